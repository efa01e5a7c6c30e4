"""The same rows in six formats are the same rows: a property, of the readers and of the real loader."""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import itertools
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from revlog.ingestion.chunk import Scan, Source
from revlog.ingestion.convert import Converter
from revlog.ingestion.load import load_feed
from revlog.ingestion.readers import reader
from revlog.values.reasons import FileRejected
from tests.faults.formats import ENDINGS, FORMATS, written
from tests.faults.matrix import CLAIMS, COMPANY, CONTRACT, NAMES, claims
from tests.integration.ingestion_landing import query

DAY = dt.date(2025, 3, 31)
LATEST = DAY + dt.timedelta(days=366)  # later days are quarantined
Row = dict[str, str | None]


def _texts(size: int) -> st.SearchStrategy[str]:
    """Text that all formats can hold: no control or invisible characters, and no white space at its ends.

    A file of fixed width holds one line a row; `_x` begins an escape in a workbook, and an E between
    digits is no id.
    """
    letters = st.characters(
        codec="utf-8",
        exclude_categories=("Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"),
        exclude_characters="\u00a0\u2007\u202f\u034f",
    )
    return st.text(letters, min_size=1, max_size=size).filter(
        lambda t: t == t.strip() and "_x" not in t and not ("e" in t.lower() and any(c.isdigit() for c in t))
    )


def _amounts(low: int) -> st.SearchStrategy[str]:
    return st.integers(low, 10**13).map(lambda cents: f"{Decimal(cents).scaleb(-2):.2f}")


def _moments() -> st.SearchStrategy[str]:
    """Local times that a clock in Berlin shows; gap and overlap have cases of their own."""
    moments = st.datetimes(dt.datetime(1990, 1, 1), dt.datetime.combine(LATEST, dt.time())).map(
        lambda when: when.replace(microsecond=0)
    )
    return moments.filter(_is_plain).map(str)


def _is_plain(when: dt.datetime) -> bool:
    return _utc(when, 0) == _utc(when, 1)


def _utc(when: dt.datetime, fold: int) -> dt.datetime:
    return when.replace(tzinfo=ZoneInfo("Europe/Berlin"), fold=fold).astimezone(dt.UTC)


DATES = st.dates(dt.date(1990, 1, 1), LATEST).map(str)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "vendor_id": _texts(12), "receipt_id": st.none() | _texts(12), "sku": _texts(20),
            "lot_no": st.none() | st.from_regex("[A-Za-z0-9]{1,8}-?",
            fullmatch=True).filter(lambda t: "e" not in t.lower()),
            "serial_no": st.none() | _texts(30) | st.sampled_from(["000", "NA", "null", "=1", "1.10",
            "10:30"]),
            "quantity": st.integers(0, 10**6).map(str), "claimed_amount": _amounts(0),
            "credited_amount": st.none() | _amounts(-(10**13)), "currency": st.sampled_from(["EUR", "USD"]),
            "status": st.sampled_from(["open", "credited", "partly_credited", "rejected"]),
            "opened_on": DATES, "credited_on": st.none() | DATES, "updated_at": _moments(),
        }
    ),
    min_size=1, max_size=6,
)  # fmt: skip


def _numbered(rows: list[Row], mark: str = "V") -> list[Row]:
    return [row | {"claim_no": f"{mark}{n}", "line_no": str(n)} for n, row in enumerate(rows)]


def _expected(row: Row) -> dict[str, Any]:
    """What the text of each column means."""
    kinds = {n: c.type for n, c in CONTRACT[CLAIMS].columns.items()}
    meanings: dict[str, Any] = {
        "integer": int, "money": Decimal, "date": dt.date.fromisoformat,
        "timestamp": lambda t: _utc(dt.datetime.fromisoformat(t), 0),
    }  # fmt: skip
    return {n: v if (v := row[n]) is None else meanings.get(kinds[n], str)(v) for n in NAMES}


def _read(form: str, content: bytes) -> list[dict[str, Any]]:
    contract = CONTRACT[CLAIMS]
    source = Source("claims", lambda: io.BytesIO(content), Scan("", len(content), content[:4096]))
    converter = Converter(contract, contract.layouts[form])
    found: list[dict[str, Any]] = []
    for chunk in reader(form)(source, contract, form):
        part = converter.convert(chunk)
        assert not part.bad, part.bad
        found += part.rows.select([*NAMES, "_row_hash"]).to_pylist()
    converter.finish()
    return found


@settings(max_examples=80, deadline=None)
@given(rows=ROWS)
def test_the_same_rows_in_six_formats_are_the_same_values(rows: list[Row]) -> None:
    rows = _numbered(rows)
    hashes = set()
    for form in FORMATS:
        found = _read(form, written(form, rows, CONTRACT[CLAIMS]))
        hashes.add(tuple(row.pop("_row_hash") for row in found))
        assert found == [_expected(row) for row in rows], form
    assert len(hashes) == 1, "equal rows have equal hashes, whatever the format"


MANY: list[Row] = [{**row, "lot_no": "grün"} for row in claims(*[{}] * 40)]
SOUND = {form: written(form, MANY, CONTRACT[CLAIMS]) for form in FORMATS}
DAMAGE = st.lists(
    st.tuples(st.floats(0, 1, exclude_max=True), st.binary(max_size=6), st.integers(0, 9)), min_size=1
)


@pytest.mark.parametrize("form", FORMATS)
@settings(max_examples=100, deadline=None)
@given(damage=DAMAGE)
def test_a_damaged_file_is_rejected_or_read_and_nothing_else(
    form: str, damage: list[tuple[float, bytes, int]]
) -> None:
    """At each place some bytes are replaced by others; whatever comes of it has a reason."""
    content = SOUND[form]
    for at, new, old in damage:
        start = int(at * len(content))
        content = content[:start] + new + content[start + old :]
    contract = CONTRACT[CLAIMS]
    source = Source("claims", lambda: io.BytesIO(content), Scan("", len(content), content[:4096]))
    converter = Converter(contract, contract.layouts[form])
    with contextlib.suppress(FileRejected):
        for chunk in reader(form)(source, contract, form):
            converter.convert(chunk)
        converter.finish()


@pytest.fixture(scope="module")
def zone(database: Path) -> Iterator[Path]:
    folder = database / "company"
    folder.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COMPANY", str(COMPANY))
        yield folder


NUMBERS = itertools.count()


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS)
def test_the_same_rows_in_six_formats_load_as_the_same_values(rows: list[Row], zone: Path) -> None:
    number = next(NUMBERS)
    rows = _numbered(rows, f"{number}-")
    for form in FORMATS:
        path = zone / f"{CLAIMS}_20250331_{number}.{ENDINGS[form]}"
        path.write_bytes(written(form, rows, CONTRACT[CLAIMS]))
        path.with_name(f"{path.name}.done").touch()
    assert [f.status for f in load_feed(CLAIMS, DAY).files] == ["loaded"] * len(FORMATS)
    found = query(
        f"select f.layout, r.{', r.'.join(NAMES)} from raw.{CLAIMS} as r"
        " inner join ops.file_ledger as f on f.file_id = r._file_id"
        f" where f.name like '{CLAIMS}_20250331_{number}.%%' order by f.layout, r._record_no"
    )
    expected = [tuple(_expected(row).values()) for row in rows]
    for form in FORMATS:
        assert [row[1:] for row in found if row[0] == form] == expected, form
