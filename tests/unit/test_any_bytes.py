"""Whatever bytes a file holds: it is read or refused with a reason, and each of its rows has a fate."""

from __future__ import annotations

import io
import os
import re
from pathlib import Path

import pytest
import yaml

from revlog.contracts.contract import Contract, load_contract
from revlog.ingestion.archives import unpacked
from revlog.ingestion.binary_copy import packets
from revlog.ingestion.chunk import Scan, Source
from revlog.ingestion.convert import Converted, Converter
from revlog.ingestion.landing import HEAD_BYTES
from revlog.ingestion.refusal import refused
from revlog.ingestion.reshape import rows_of
from revlog.values.reasons import FileRejected, Rejection
from revlog.values.text import INVISIBLE
from tests.unit.broken_files import FEEDS, PERSON, Broken, broken, layouts
from tests.unit.one_file import customer_key

__all__ = ["customer_key"]
# Others, and more of them: FUZZ_FROM=1000000 FUZZ_FILES=50000
FIRST = int(os.environ.get("FUZZ_FROM", "0"))
FILES = int(os.environ.get("FUZZ_FILES", "1200"))
PARTS = 10


def company(folder: Path) -> dict[str, Contract]:
    """The feeds as a company has them whose files are of every format."""
    for feed in FEEDS:
        content = {"layouts": layouts(load_contract(feed, "standard"))}
        (folder / f"{feed}.yml").write_text(yaml.safe_dump(content), encoding="utf-8")
    return {feed: load_contract(feed, str(folder)) for feed in FEEDS}


@pytest.fixture(scope="module")
def contracts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Contract]:
    return company(tmp_path_factory.mktemp("company"))


@pytest.mark.parametrize("part", range(PARTS))
def test_any_bytes_are_read_or_refused_and_no_row_is_lost(part: int, contracts: dict[str, Contract]) -> None:
    for number in range(FIRST + part, FIRST + FILES, PARTS):
        file = broken(number, contracts)
        try:
            ends = _ends(file, contracts[file.feed])
        except Exception as error:
            raise AssertionError(f"file {number}, {file.name}: {error!r}") from error
        assert not ends, f"file {number}, {file.name}: {ends}"


def _ends(file: Broken, contract: Contract) -> list[str]:
    """What is wrong with what became of a file."""
    try:
        return _faults(_read(file, contract), contract, contract.layouts[file.layout].select is not None)
    except Exception as error:
        rejection = refused(error, file.name)
        if rejection is None or rejection.reason in (Rejection.INTERNAL_ERROR, Rejection.UNREADABLE):
            raise
        return _faults_of_reason(rejection, contract)


def _read(file: Broken, contract: Contract) -> list[Converted]:
    def opened() -> io.BufferedIOBase:
        content = unpacked(io.BytesIO(file.content), file.name, len(file.content))
        return content  # type: ignore[return-value]

    with opened() as content:
        head = content.read(HEAD_BYTES)
    source = Source(file.name, opened, Scan("", len(file.content), head))  # type: ignore[arg-type]
    converter = Converter(contract, contract.layouts[file.layout])
    parts = [converter.convert(chunk) for chunk in rows_of(source, contract, file.layout)]
    converter.finish()
    assert not (contract.has_pii and PERSON in str(converter.findings.rows()))
    return parts


def _faults_of_reason(rejection: FileRejected, contract: Contract) -> list[str]:
    text = rejection.unquoted() if contract.has_pii else str(rejection)
    found = [f"a reason of {len(text):,} characters"] if len(text) > 3_000 else []
    if not text.isprintable():
        found.append(f"a reason that nobody can print: {text!r}")
    if contract.has_pii and PERSON in text:
        found.append(f"a reason that names a person: {text}")
    return found


def _faults(parts: list[Converted], contract: Contract, is_made: bool) -> list[str]:
    """Rows without a fate or with two, and texts that may not be."""
    found: list[str] = []
    numbers: list[int] = []
    for part in parts:
        fates = part.rows.num_rows + len(part.bad)
        if part.parsed != fates:
            found.append(f"{part.parsed} rows, of which {fates} have a fate")
        numbers += part.rows["_record_no"].to_pylist() + [row.record_no for row in part.bad]
        for table in filter(None, (part.rows, part.identity)):
            packets(table)
            found += _hidden(table, contract)
        for row in part.bad:
            if contract.restricted and PERSON in row.detail:
                found.append(f"a row set apart whose detail names a person: {row}")
    if len(set(numbers)) < len(numbers):
        found.append("two rows with one number")
    read = sum(part.records for part in parts)
    told = sum(part.parsed + part.other_feeds for part in parts)
    if not is_made and read != told:
        found.append(f"{read} rows read, {told} told")
    return found


def _hidden(table: object, contract: Contract) -> list[str]:
    """What no text of the database may hold, and no identifier."""
    found: list[str] = []
    for name in table.column_names:  # type: ignore[attr-defined]
        values = [v for v in table[name].to_pylist() if isinstance(v, str)]  # type: ignore[index]
        if any("\0" in v for v in values):
            found.append(f"a NUL in {name}")
        is_id = name in contract.columns and contract.columns[name].type in ("id", "code", "currency")
        if is_id and any(re.search(f"[{INVISIBLE}]", v) for v in values):
            found.append(f"what nobody sees in {name}: {values!r}")
    return found
