"""Data Docs: what each gate judged, as static pages, one site per night and stage."""

from __future__ import annotations

import datetime as dt
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from jinja2 import Template

from revlog.config.settings import settings
from revlog.gates.results import CheckResult
from revlog.outputs import files
from revlog.outputs.escaping import html_environment
from revlog.outputs.nights import too_old

if TYPE_CHECKING:
    from great_expectations.data_context import EphemeralDataContext

Stage = Literal["landed", "core", "publish"]
STAGES: tuple[Stage, ...] = get_args(Stage)


def folder() -> Path:
    """Folder of the pages."""
    return settings().var / "reports" / "data_docs"


def write(
    context: EphemeralDataContext, stage: str, business_date: dt.date, checks: list[CheckResult]
) -> Path:
    """Write the pages of a gate in place of an earlier run's; returns the page to open.

    They quote rows of any table: only their owner may open the folder.
    """
    night = files.own_folder(folder()) / business_date.isoformat()
    night.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{stage}.", dir=night) as scratch:
        made = Path(scratch) / stage
        _write_suites(context, made)
        _write_gate(made, stage, business_date, checks)
        shutil.rmtree(night / stage, ignore_errors=True)
        made.rename(night / stage)
    _prune()
    _write_nights()
    return night / stage / "index.html"


def _write_suites(context: EphemeralDataContext, site: Path) -> None:
    """GX's own page of each suite and of what it found."""
    view = {"module_name": "revlog.gates.gx_view", "class_name": "InertPageView"}
    config: Any = {
        "class_name": "SiteBuilder",
        "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(site)},
        "site_section_builders": {
            "expectations": {"view": view}, "validations": {"view": view}, "profiling": "none",
        },
    }  # fmt: skip
    context.add_data_docs_site("pages", config)
    context.build_data_docs(site_names=["pages"], build_index=False)
    # Fonts and animations of GX's own tutorial, 4 MB on every site.
    shutil.rmtree(site / "static", ignore_errors=True)


def _write_gate(site: Path, stage: str, business_date: dt.date, checks: list[CheckResult]) -> None:
    """The gate on one page, what failed first; GX's own index needs scripts from elsewhere."""
    pages = {
        # validations/<suite, its dots as folders>/<run>/<time>/<batch>.html
        ".".join(page.relative_to(site / "validations").parts[:-3]): page.relative_to(site).as_posix()
        for page in (site / "validations").rglob("*.html")
    }
    failed = sum(not c.success and c.severity == "critical" for c in checks)
    text = _page("gate.html").render(
        stage=stage, night=business_date, checks=sorted(checks, key=_gravity), failed=failed, pages=pages
    )
    files.write_text(site / "index.html", text)


def _gravity(check: CheckResult) -> tuple[bool, bool, str]:
    return check.success, check.severity != "critical", check.suite


def _nights() -> list[Path]:
    return sorted(path for path in folder().iterdir() if path.is_dir())


def _prune() -> None:
    for night in too_old(_nights()):
        shutil.rmtree(night, ignore_errors=True)


def _write_nights() -> None:
    """One page that leads to every night's gates."""
    nights = [
        (night.name, [stage for stage in STAGES if (night / stage / "index.html").exists()])
        for night in reversed(_nights())
    ]
    files.write_text(folder() / "index.html", _page("nights.html").render(nights=nights))


def _page(name: str) -> Template:
    return html_environment(Path(__file__).parent / "templates", {}).get_template(name)
