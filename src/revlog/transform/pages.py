"""The page of dbt's documentation."""

from __future__ import annotations

import json
from pathlib import Path
from secrets import token_urlsafe

from revlog.config.settings import settings
from revlog.outputs import files
from revlog.outputs.escaping import policy, script
from revlog.transform import dbt_process, outcomes, project


def write_docs() -> Path:
    """Write dbt's documentation as one page under var/pages; returns the page.

    The SQL shown is that of a full build: a night's says of sums only that others have changed them.
    """
    for command in (["compile", "--full-refresh", "--quiet"], ["docs", "generate", "--no-compile"]):
        done = dbt_process.run(command)
        if done.returncode:
            raise outcomes.CheckFailed(f"dbt docs failed: {outcomes.tail(done)}")
    return files.write_text(settings().var / "pages" / "dbt.html", _docs_page())


def _docs_page() -> str:
    """dbt's page with its data inside, as `--static` makes it, but for what a description could do.

    The page's own script has a nonce; no other runs, and nothing is fetched.
    """
    nonce = token_urlsafe(12)
    page = (project.target() / "index.html").read_text(encoding="utf-8")
    scripts = f"'nonce-{nonce}' 'unsafe-eval'"
    parts = {
        '<meta charset="utf-8">': '<meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy(scripts)}">',
        "<script defer": f'<script nonce="{nonce}" defer',
        **{
            f'"{name.upper()}.JSON INLINE DATA"': script(json.loads(_artifact(name)))
            for name in ("manifest", "catalog")
        },
    }
    for place, content in parts.items():
        if place not in page:
            raise outcomes.CheckFailed(
                f"dbt's page of its documentation has no {place!r}: dbt makes another one now"
            )
        page = page.replace(place, content)
    return page


def _artifact(name: str) -> str:
    """Text of an artifact of dbt, seeds at the place where a reader of the project finds them.

    The page draws its tree of folders from these paths, and runs into a loop over one that begins with /.
    """
    return (project.target() / f"{name}.json").read_text().replace(str(project.seeds_folder()), "seeds")
