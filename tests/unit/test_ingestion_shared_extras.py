"""Keys that nobody knows of documents that several feeds read: what is personal to another is withheld."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from revlog.contracts.contract import Contract
from revlog.ingestion.chunk import Scan, Source
from revlog.ingestion.convert import Converter
from revlog.ingestion.reshape import rows_of
from revlog.ingestion.sharing import Other, Sharing
from tests.unit.one_file import COLUMNS, contract_of, customer_key

__all__ = ["customer_key"]

PEOPLE = COLUMNS | {"note": {"type": "text", "pii": "pseudonym", "description": "Mail address."}}
WITHHELD = "[withheld]"


def _extras(content: str, own: Contract, other: Contract) -> dict[str, Any]:
    """What raw keeps of the file's one record beside the columns, where another feed reads the file, too."""
    layout, data = own.layouts["own"], content.encode()
    shared = Sharing(own, layout, "own", (Other(other, other.layouts["own"], "own"),))
    source = Source("x", lambda: io.BytesIO(data), Scan("", len(data), data))
    converter = Converter(own, layout, sharing=shared)
    [found] = [
        json.loads(text)
        for chunk in rows_of(source, own, "own")
        for text in converter.convert(chunk).rows["_extra"].to_pylist()
    ]
    return dict(found)


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [
        ("mail", "ada@example.com", WITHHELD),
        ("mail", {"work": "ada@example.com"}, WITHHELD),
        ("town", "Ulm", "Ulm"),
    ],
)
def test_a_key_that_another_feed_reads_as_personal(key: str, value: Any, shown: str) -> None:
    line = json.dumps({"order_no": 1, key: value})
    layout = {"format": "jsonl"}
    people = contract_of(layout | {"columns": {"note": "mail"}}, columns=PEOPLE)
    assert _extras(line, contract_of(layout), people) == {key: shown}


def test_objects_that_hold_what_is_personal_to_another_feed() -> None:
    line = json.dumps(
        {"order_no": 1, "lines": [{"sku": "A", "buyer": {"mail": "a@b.c"}, "colour": "red"}], "town": "Ulm"}
    )
    own = contract_of({"format": "jsonl", "fields": {"order_no": "order_no"}})
    fields = {"order_no": "../order_no", "note": "buyer/mail"}
    lines = contract_of({"format": "jsonl", "record": "lines", "fields": fields}, columns=PEOPLE)
    assert _extras(line, own, lines) == {"lines": WITHHELD, "town": "Ulm"}


def test_elements_and_attributes_that_are_personal_to_another_feed() -> None:
    content = '<x><order mail="a@b.c"><no>1</no><buyer><mail>a@b.c</mail></buyer><town>Ulm</town></order></x>'
    own = contract_of({"format": "xml", "record": "order", "fields": {"order_no": "no"}})
    fields = {"order_no": "no", "note": "buyer/mail", "sku": "@mail"}
    columns = PEOPLE | {"sku": COLUMNS["sku"] | {"pii": "pseudonym"}}
    people = contract_of({"format": "xml", "record": "order", "fields": fields}, columns=columns)
    assert _extras(content, own, people) == {"@mail": WITHHELD, "buyer": WITHHELD, "town": "Ulm"}


def test_a_feed_that_reads_by_sql_may_make_a_person_of_whatever_it_reads() -> None:
    line = json.dumps({"order_no": 1, "anything": "ada@example.com", "town": "Ulm"})
    fields = {"order_no": "order_no", "anything": "anything"}
    sql = {"format": "jsonl", "fields": fields, "select": "select order_no, anything as note from file"}
    people = contract_of(sql, columns=PEOPLE)
    assert _extras(line, contract_of({"format": "jsonl"}), people) == {
        "anything": WITHHELD,
        "town": "Ulm",
    }
