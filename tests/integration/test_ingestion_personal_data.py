"""Names, e-mail and telephone lie in one restricted table, and nothing else tells of them."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path

import psycopg
import pyarrow as pa
import pytest
import yaml

from revlog.config.secrets import customer_key
from revlog.database.connections import connect
from tests.faults.formats import parquet, workbook
from tests.integration.ingestion_landing import everything, load, put, query

HEADER = "customer_id,name,email,phone,country,segment,created_at,merged_into,marketing_consent\n"
ADA = "C1,Ada Secret,ada@example.com,+49 111,DE,consumer,2024-01-01 00:00:00,,yes\n"
BEN = "C2,Ben Secret,ben@example.com,+49 222,DE,consumer,2024-01-01 00:00:00,C1,no\n"
CUSTOMERS = "crm_customers"
REQUEST = (
    '{"request_id": "Q%d", "request_line": 1, "customer_id": "C77", "quantity": %s, "status": "open", '
    '"requested_at": "2026-01-31T10:00:00Z", "updated_at": "2026-01-31T10:00:00Z"}\n'
)
WITHHELD_ROW = "[withheld: personal data; see file and line]"


def _hash(customer: str) -> str:
    digest = hmac.new(customer_key(), customer.encode(), hashlib.sha256)
    return digest.hexdigest()[:32]


def _customers(landing: Path, *rows: str, date: str = "20260131") -> None:
    put(landing, f"{CUSTOMERS}_{date}.csv", HEADER + "".join(rows))


def _everything() -> str:
    """All text of raw and ops, the identity table excepted."""
    return everything(but="raw.crm_customers_identity")


def test_customer_numbers_are_keyed_hashes(fresh_database: Path) -> None:
    _customers(fresh_database, ADA, BEN)
    load(CUSTOMERS)
    assert query("select customer_id, merged_into from raw.crm_customers order by _line_no") == [
        (_hash("C1"), None), (_hash("C2"), _hash("C1")),
    ]  # fmt: skip


def test_direct_identifiers_are_in_the_identity_table_only(fresh_database: Path) -> None:
    _customers(fresh_database, ADA)
    load(CUSTOMERS)
    assert query(
        "select customer_id, source_customer_id, name, email, phone from raw.crm_customers_identity"
    ) == [(_hash("C1"), "C1", "Ada Secret", "ada@example.com", "+49 111")]
    for word in ("Secret", "example.com", "+49"):
        assert word not in _everything()


@pytest.mark.parametrize("role", ["loader", "transformer", "bi_reader", "finance_reader"])
def test_only_the_auditor_reads_the_identity_table(fresh_database: Path, role: str) -> None:
    with (
        connect(role) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("select * from raw.crm_customers_identity")


def test_quarantined_rows_hide_what_is_personal(fresh_database: Path) -> None:
    bad_consent = ADA.replace("yes", "perhaps")
    bad_email = BEN.replace("ben@example.com", "ben at example.com")
    ragged = ADA.replace("C1", "C3").replace(",DE", "")
    bad_key = ADA.replace("C1", "1.5E+12")
    twice = ADA.replace("C1", "C4") + ADA.replace("C1", "C4").replace("Ada", "Eve")
    _customers(fresh_database, bad_consent, bad_email, ragged, bad_key, twice)
    load(CUSTOMERS)
    found = query("select line_no, reason, raw_text, detail from ops.quarantine order by 1")
    assert [(line, reason) for line, reason, _, _ in found] == [
        (2, "bad_boolean"), (3, "pattern_mismatch"), (4, "ragged_row"), (5, "scientific_id"),
        (6, "conflicting_duplicate"), (7, "conflicting_duplicate"),
    ]  # fmt: skip
    text = _everything()
    for word in ("Secret", "example.com", "+49", '"C1"', "1.5E+12"):
        assert word not in text
    # A value may have moved into any column: how it is written can be seen, not what it says.
    assert [(raw_text, detail) for _, _, raw_text, detail in found] == [
        (WITHHELD_ROW, detail)
        for detail in (
            "aaaaaaa", "[withheld]", "8 fields instead of 9", "[withheld]", *["key stands twice"] * 2,
        )
    ]  # fmt: skip


def test_an_unknown_column_of_a_customer_file_is_withheld(fresh_database: Path) -> None:
    head, row = HEADER.replace("\n", ",iban\n"), ADA.replace("\n", ",DE89 3704\n")
    put(fresh_database, f"{CUSTOMERS}_20260131.csv", head + row)
    load(CUSTOMERS)
    assert query("select _extra from raw.crm_customers") == [({"no. 10": "[withheld]"},)]
    assert query("select reason from ops.file_ledger") == [("warning: unknown column no. 10: 1 rows",)]
    assert "3704" not in _everything()


def test_a_key_of_a_record_may_be_a_name(fresh_database: Path) -> None:
    row = json.loads(REQUEST % (1, 1)) | {"ada@example.com": "x"}
    put(fresh_database, "crm_return_requests_20260131.jsonl", json.dumps(row) + "\n")
    load("crm_return_requests")
    assert query("select _extra from raw.crm_return_requests") == [({"no. 8": "[withheld]"},)]
    assert query("select reason from ops.file_ledger") == [("warning: unknown column no. 8: 1 rows",)]


# What a file can be rejected for, in words that would quote it; file and place are enough to find it.
TWO_SHEETS = workbook([["Ada"]], "Ada Secret", lambda page: page.parent.create_sheet("Ada"))
MISSING = (
    "header: required columns are missing: customer_id (the file has {}); the file has 9 columns, {}. Correct"
    " the layout or add aliases to it; what files may lack it names under `optional`"
)
REJECTED: dict[str, tuple[str, str | bytes, str]] = {
    "without its header line": (
        "csv", ADA.replace("DE", "customer") + BEN,
        MISSING.format("no. 5", "0 of them named as in the contract; the line with the names may be missing"),
    ),
    "with a renamed column": (
        "csv", HEADER.replace("customer_id", "customer_Ida") + ADA,
        MISSING.format("no. 1", "8 of them named as in the contract"),
    ),
    "with another column": (
        "csv", HEADER.replace("phone", "Ada") + ADA,
        "header: phone missing, no. 4 unknown: if renamed, add aliases to the layout",
    ),
    "as XML with a name for a tag": (
        "xml", "<rows><row><Ada></ada@example.com></row></rows>",
        "malformed: line 1: [withheld]; ask for the file again",
    ),
    "as a workbook with names for sheets": (
        "xlsx", TWO_SHEETS, "no_sheet: not one sheet alone, and the layout names none; there are 2,"
        " [withheld]: set `sheet` in the layout",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", REJECTED)
def test_a_rejected_customer_file_is_not_quoted(
    what: str, fresh_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    form, content, reason = REJECTED[what]
    if form != "csv":
        _company(tmp_path, form, HEADER.strip().split(","))
        monkeypatch.setenv("COMPANY", str(tmp_path))
    put(fresh_database, f"{CUSTOMERS}_20260131.{form}", content)
    (told,) = load(CUSTOMERS).files
    assert query("select status, reason from ops.file_ledger") == [("rejected", reason)]
    assert told.reason == reason
    assert [word for word in ("Ada", "Secret", "ada@") if word in _everything()] == []


@pytest.mark.parametrize("form", ["xlsx", "parquet", "xml"])
def test_rows_that_a_reader_sets_apart_hide_what_is_personal(
    form: str, fresh_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = HEADER.strip().split(",")
    rows = [dict(zip(names, line.strip().split(","), strict=True)) for line in (ADA, BEN, ADA)]
    content = {"xlsx": _workbook, "parquet": _parquet, "xml": _xml}[form](names, rows)
    _company(tmp_path, form, names)
    monkeypatch.setenv("COMPANY", str(tmp_path))
    put(fresh_database, f"{CUSTOMERS}_20260131.{form}", content)
    load(CUSTOMERS)
    assert query("select customer_id from raw.crm_customers") == [(_hash("C2"),)]
    assert query("select reason, column_name, raw_text from ops.quarantine order by line_no") == [
        (reason, column, "[withheld: personal data; see file and line]") for reason, column in SET_APART[form]
    ]
    text = _everything()
    for word in ("Secret", "example.com", "+49", '"C1"', "77.5", "Oops"):
        assert word not in text, word


SET_APART = {
    "xlsx": [("scientific_id", "customer_id"), ("ragged_row", None)],
    "parquet": [("nul_byte", "name"), ("nul_byte", None)],
    "xml": [("repeated_element", "name"), ("repeated_element", "email")],
}


def _workbook(names: list[str], rows: list[dict[str, str]]) -> bytes:
    table = [[row[n] for n in names] for row in rows]
    return workbook([names, [77.5, *table[0][1:]], table[1], [*table[2], "Oops"]])


def _parquet(names: list[str], rows: list[dict[str, str]]) -> bytes:
    columns = {n: [row[n] for row in rows] for n in names} | {"iban": [None, None, "Oops\0"]}
    columns["name"][0] += "\0"
    return parquet(pa.table(columns))


def _xml(names: list[str], rows: list[dict[str, str]]) -> bytes:
    texts = ["".join(f"<{n}>{row[n]}</{n}>" for n in names) for row in rows]
    texts[0] += "<name>Oops</name>"
    texts[2] += "<email>Oops</email>"
    return f"<rows>{''.join(f'<row>{t}</row>' for t in texts)}</rows>".encode()


def _company(folder: Path, form: str, names: list[str]) -> None:
    """A company whose customers come in another format."""
    layout = {
        "file": f"{CUSTOMERS}_{{date}}.{form}", "format": form, "booleans": {"yes": True, "no": False},
        "timestamp": {"format": "%Y-%m-%d %H:%M:%S", "zone": "UTC"},
    }  # fmt: skip
    if form == "xml":
        layout |= {"record": "row", "fields": {n: n for n in names}}
    (folder / f"{CUSTOMERS}.yml").write_text(yaml.safe_dump({"layouts": {form: layout}}))


def test_customers_of_other_feeds_are_hashed_and_hidden_in_quarantine(
    fresh_database: Path,
) -> None:
    requests = REQUEST % (1, 1) + REQUEST % (2, -1)
    put(fresh_database, "crm_return_requests_20260131.jsonl", requests)
    load("crm_return_requests")
    assert query("select customer_id from raw.crm_return_requests") == [(_hash("C77"),)]
    assert query("select reason from ops.quarantine") == [("negative_not_allowed",)]
    assert "C77" not in _everything()
