"""Control totals: what a file says of itself against what was read."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field
from decimal import Decimal

import pyarrow as pa

from revlog.contracts.layout import Layout
from revlog.contracts.numbers import plain_numbers
from revlog.ingestion.chunk import parse_instant
from revlog.ingestion.convert import Converted
from revlog.values.reasons import FileRejected, Rejection
from revlog.values.times import EARLIEST_YEAR, LATEST_YEAR


@dataclass
class Stated:
    """What was read of a file that its own totals can be held against."""

    control: list[list[str]] = field(default_factory=list)
    root: dict[str, str] = field(default_factory=dict)
    records: int = 0
    total: Decimal = Decimal(0)
    unread: int = 0

    def add(self, part: Converted) -> None:
        """Take in one chunk."""
        self.control += part.control
        self.root = part.root or self.root
        self.records += part.records
        self.total += part.total
        self.unread += part.unread


def check_control(layout: Layout, stated: Stated) -> None:
    """Compare the file's own count and total with what was read; raises FileRejected."""
    rule = layout.control
    if rule is None:
        return
    count, total = stated.root.get(rule.root_count or ""), stated.root.get(rule.root_total or "")
    if rule.first_column:
        row = _only_row(rule.first_column, stated)
        count = _cell(row, rule.count_column)
        total = _cell(row, rule.total_column)
    if (rule.root_count or rule.count_column) and not _is_count(count, stated.records):
        raise FileRejected(
            Rejection.CONTROL_TOTAL,
            f"the file states {_told(count)} rows, {stated.records} were read; ask for it again",
            count or "no",
        )
    # Where an amount could not be read, the total can't be compared.
    if (rule.root_total or rule.total_column) and not stated.unread:
        _check_total(layout, total, stated.total)


def extract_time(layout: Layout, stated: Stated) -> dt.datetime | None:
    """When the file was extracted as it says itself; None where the layout declares nothing."""
    rule = layout.extract_at
    if rule is None:
        return None
    text = stated.root.get(rule.root_attribute or "")
    if rule.control_column and stated.control:
        text = _cell(stated.control[-1], rule.control_column)
    try:
        found = parse_instant((text or "").strip())
    except ValueError as error:
        raise FileRejected(
            Rejection.MALFORMED, "the file's extract time {} is no instant with an offset", repr(text)
        ) from error
    if not EARLIEST_YEAR < found.year < LATEST_YEAR:
        raise FileRejected(
            Rejection.MALFORMED, f"the file says that it was extracted in {found.year}; ask for it again"
        )
    return found


def _only_row(mark: str, stated: Stated) -> list[str]:
    if not stated.control:
        raise FileRejected(
            Rejection.TRUNCATED,
            f"the {mark} row is missing: the file was cut off; ask for it again",
        )
    if len(stated.control) > 1:
        raise FileRejected(
            Rejection.CONTROL_TOTAL,
            f"{len(stated.control)} {mark} rows in one file; ask for it again",
        )
    return stated.control[0]


def _is_count(text: str | None, records: int) -> bool:
    """True for the number itself, with zeros in front where the format fills up with them."""
    return re.fullmatch(rf"0*{records}", (text or "").strip()) is not None


def _check_total(layout: Layout, text: str | None, read: Decimal) -> None:
    plain, _ = plain_numbers(pa.array([(text or "").strip() or None], pa.string()), layout)
    try:
        stated = Decimal(plain[0].as_py() or "")
    except ArithmeticError:
        stated = None
    if stated != read:
        raise FileRejected(
            Rejection.CONTROL_TOTAL,
            f"the file states a total of {_told(text)}, its rows add up to {read}; ask for it again",
            str(text),
        )


def _told(figure: str | None) -> str:
    """The figure, where it is one; else it is quoted."""
    return figure if figure and re.fullmatch(r"[-+(]?[\d.,' ]{1,20}[-)]?", figure) else "{}"


def _cell(row: list[str], column: int | None) -> str | None:
    return row[column - 1] if column and column <= len(row) else None
