"""Data Docs: what each gate judged, as static pages, one site per night and stage."""

from __future__ import annotations

import datetime as dt
import html
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from warehouse.settings import settings

if TYPE_CHECKING:
    from great_expectations.data_context import EphemeralDataContext

# Older nights stay in ops.validation_results; their pages need not.
KEPT_NIGHTS = 31


def folder() -> Path:
    """Folder of the pages."""
    return settings().var / "reports" / "data_docs"


def write(context: EphemeralDataContext, stage: str, business_date: dt.date) -> Path:
    """Write the pages of a gate in place of an earlier run's; returns the page to open."""
    site = folder() / business_date.isoformat() / stage
    shutil.rmtree(site, ignore_errors=True)
    context.add_data_docs_site(
        "pages",
        {
            "class_name": "SiteBuilder",
            "store_backend": {
                "class_name": "TupleFilesystemStoreBackend",
                "base_directory": str(site),
            },
            "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
        },
    )
    context.build_data_docs(site_names=["pages"])
    for animation in (site / "static" / "images").glob("*.gif"):
        animation.unlink()  # 3 MB of GX's own tutorial, on every site
    _prune()
    _index()
    return site / "index.html"


def _prune() -> None:
    nights = sorted(p for p in folder().iterdir() if p.is_dir())
    for night in nights[:-KEPT_NIGHTS]:
        shutil.rmtree(night, ignore_errors=True)


def _index() -> None:
    """One page that leads to every night's gates."""
    rows = []
    for night in sorted((p for p in folder().iterdir() if p.is_dir()), reverse=True):
        links = [
            f'<a href="{night.name}/{stage}/index.html">{stage}</a>'
            for stage in ("landed", "core", "publish")
            if (night / stage / "index.html").exists()
        ]
        rows.append(f"<tr><td>{html.escape(night.name)}</td><td>{' · '.join(links)}</td></tr>")
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Data Docs</title>'
        "<style>body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:40rem}"
        "td,th{padding:.3rem 1.5rem .3rem 0;text-align:left}</style></head><body>"
        "<h1>Data Docs</h1><p>What the Great Expectations gates judged, night by night.</p>"
        f"<table><tr><th>Business date</th><th>Gates</th></tr>{''.join(rows)}</table></body></html>"
    )
    (folder() / "index.html").write_text(page, encoding="utf-8")
