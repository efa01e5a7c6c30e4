"""Data Docs: what each gate judged, as static pages, one site per night and stage."""

from __future__ import annotations

import datetime as dt
import html
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from expectations.results import CheckResult
from warehouse.settings import settings

if TYPE_CHECKING:
    from great_expectations.data_context import EphemeralDataContext

# Older nights stay in ops.validation_results; their pages need not.
KEPT_NIGHTS = 31
# Stands in for the style sheets and icon fonts that GX's pages would fetch from elsewhere.
STYLE = """
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;padding:0 1rem;max-width:75rem;color:#222}
table{border-collapse:collapse;width:100%}
td,th{padding:.3rem .8rem .3rem 0;text-align:left;vertical-align:top;border-bottom:1px solid #ddd}
.number{text-align:right}.text{white-space:pre-wrap}.good,.text-success{color:#18794e}
.bad,.text-danger{color:#b3261e}.fas,.fa{font-style:normal;font-weight:bold}
.fa-check-circle::before{content:"✓"}.fa-times::before,.fa-times-circle::before{content:"✗"}
.fa-exclamation-triangle::before{content:"!"}
"""


def folder() -> Path:
    """Folder of the pages."""
    return settings().var / "reports" / "data_docs"


def write(
    context: EphemeralDataContext, stage: str, business_date: dt.date, checks: list[CheckResult]
) -> Path:
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
    # Fonts and animations of GX's own tutorial, 4 MB on every site.
    shutil.rmtree(site / "static", ignore_errors=True)
    for page in site.rglob("*.html"):
        page.write_text(_offline(page.read_text(encoding="utf-8")), encoding="utf-8")
    _write_summary(site, stage, business_date, checks)
    _prune()
    _index()
    return site / "index.html"


def _offline(page: str) -> str:
    """Make one of GX's pages readable by itself: nothing is fetched from anywhere, marks are text."""
    page = re.sub(r"<script[^>]+src=[^>]*>\s*</script>", "", page)
    page = re.sub(r"<link[^>]+>", "", page)
    page = re.sub(r"<footer.*?</footer>", "", page, flags=re.DOTALL)
    page = re.sub(r"<img[^>]*>", "", page)
    return page.replace("</head>", f"<style>{STYLE}</style></head>", 1)


def _write_summary(site: Path, stage: str, business_date: dt.date, checks: list[CheckResult]) -> None:
    """The gate on one page, what failed first; GX's own index needs scripts from elsewhere."""
    pages = {
        # validations/<suite, its dots as folders>/<run>/<time>/<batch>.html
        ".".join(page.relative_to(site / "validations").parts[:-3]): page.relative_to(site)
        for page in (site / "validations").rglob("*.html")
    }
    rows = "".join(_summary_row(c, pages.get(c.suite)) for c in sorted(checks, key=_gravity))
    failed = sum(not c.success and c.severity == "critical" for c in checks)
    body = (
        f"<h1>Gate {stage}, {business_date}</h1><p><a href='../../index.html'>All nights</a></p>"
        f"<p class='{'bad' if failed else 'good'}'>{len(checks)} checks,"
        f" {failed} critical failed</p><table><tr><th></th><th>Severity</th><th>Check</th>"
        f"<th>On</th><th>Rows</th><th>What was found, or expected</th></tr>{rows}</table>"
    )
    (site / "index.html").write_text(_page(f"Gate {stage} {business_date}", body), encoding="utf-8")


def _gravity(check: CheckResult) -> tuple[bool, bool, str]:
    return check.success, check.severity != "critical", check.suite


def _summary_row(check: CheckResult, page: Path | None) -> str:
    mark = "<td class='good'>✓</td>" if check.success else "<td class='bad'>✗</td>"
    name = html.escape(check.check)
    if page is not None:
        name = f"<a href='{html.escape(quote(page.as_posix()))}'>{name}</a>"
    where = html.escape(f"{check.asset}.{check.column}" if check.column else check.asset)
    said = html.escape(check.description if check.success else check.message)
    count = "" if check.unexpected_count is None else f"{check.unexpected_count:,}"
    return (
        f"<tr>{mark}<td>{check.severity}</td><td>{name}</td><td>{where}</td>"
        f"<td class='number'>{count}</td><td class='text'>{said}</td></tr>"
    )


def _page(title: str, body: str) -> str:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{STYLE}</style></head><body>{body}</body></html>"
    )


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
    body = (
        "<h1>Data Docs</h1><p>What the Great Expectations gates judged, night by night.</p>"
        f"<table><tr><th>Business date</th><th>Gates</th></tr>{''.join(rows)}</table>"
    )
    (folder() / "index.html").write_text(_page("Data Docs", body), encoding="utf-8")
