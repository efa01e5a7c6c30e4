"""The finance workbook: one XLSX file a fiscal period, for those who may read `finance` and nobody else.

It lies apart from the pages that everyone reads, in a folder that only its owner can open.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from xlsxwriter.exceptions import FileCreateError

from revlog.config.settings import settings
from revlog.outputs.files import FOR_OWNER, NotWritten, own_folder, replacing
from revlog.reports import period as reader
from revlog.reports.period import Publication
from revlog.reports.sheets import Book
from revlog.reports.snapshots import Reader, snapshot
from revlog.reports.workbook_sheets import write_sheets


class WorkbookFailed(NotWritten):
    """A workbook can't be written; the message says why and what to do. An earlier one stays as it is."""


def folder() -> Path:
    """Where the nightly workbooks are: `finance` below REVLOG_VAR, open to its owner only.

    Raises WorkbookFailed where it can't be made or isn't ours.
    """
    path = settings().var / "finance"
    try:
        return own_folder(path)
    except OSError as error:
        raise WorkbookFailed(
            f"The workbooks' folder {path} can't be made or closed to others: {error}. It must belong to the"
            " user that runs the pipeline; then: make workbook PERIOD=2026-01"
        ) from error


def write_workbooks() -> list[Path]:
    """Write those of the newest night, and return their paths; none before the first publication.

    They are those of the business date's period and of the one before, and each further period that has a
    group which the night's files touched; after a load of all history, the first two.
    """
    with snapshot() as connection:
        night = reader.publication(connection)
        if night is None:
            return []
        known = reader.periods(connection, night)
        wanted = {*known[-2:], *reader.touched(connection, night)} & set(known)
        return [_write(connection, night, period, _place(period)) for period in sorted(wanted)]


def write_workbook(period: str, to: Path | None = None) -> Path:
    """Write the workbook of one fiscal period, YYYY-PP, and return its path.

    Raises WorkbookFailed where there is no such period, nothing is published, or the file can't be written.
    """
    with snapshot() as connection:
        night = reader.publication(connection)
        if night is None:
            raise WorkbookFailed("Nothing has been published yet; run a night first (make run)")
        known = reader.periods(connection, night)
        if period not in known:
            raise WorkbookFailed(f"There is no period {period!r}; there are {', '.join(known)}")
        return _write(connection, night, period, to or _place(period))


def _place(period: str) -> Path:
    return folder() / f"refunds-{period}.xlsx"


def _write(connection: Reader, night: Publication, period: str, path: Path) -> Path:
    try:
        with (
            tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as scratch,
            replacing(path, FOR_OWNER) as file,
        ):
            title = f"Refund reconciliation {period}, publication {night.publication_id}"
            book = Book(file, Path(scratch), title, night.published_at)
            write_sheets(book, connection, night, period)
            book.close()
    except (OSError, FileCreateError) as error:
        raise WorkbookFailed(
            f"The workbook of {period} can't be written to {path}: {error}. Free space there or name another"
            f" file, then: revlog workbook {period}. An earlier workbook stays as it was"
        ) from error
    return path
