"""`make retailer`: the same pipeline over a real retailer's daily files, by its company folder alone."""

from __future__ import annotations

import os
from pathlib import Path

import typer

COMPANY = "online_retail"


def configure(folder: Path) -> None:
    """Set what differs for this company: folder, landing zone, and the database that is its own."""
    os.environ |= {
        "LANDING_URL": str(folder),
        "COMPANY": COMPANY,
        "REVLOG_DATABASE": COMPANY,
        "LANDING_SETTLE_SECONDS": os.environ.get("LANDING_SETTLE_SECONDS", "0.2"),
    }


def run_retailer(folder: str) -> None:
    """Load every daily file of `folder`, build, audit, publish, and print the figures."""
    from rich.console import Console

    from revlog.config.settings import serve
    from revlog.maintenance.migrate import upgrade
    from revlog.night import stages
    from revlog.reports.summary import print_retailer

    path = Path(folder).resolve()
    dates = sorted(file.stem for file in path.glob("????-??-??.csv"))
    if not dates:
        typer.echo(f"no daily files (YYYY-MM-DD.csv) in {path}; name their folder: DATA=…", err=True)
        raise typer.Exit(1)
    serve(COMPANY, str(path))
    configure(path)
    upgrade()
    stages.whole_night(dates[-1])
    print_retailer(Console(highlight=False))
