"""JSON as APIs give it: documents, arrays at the root, records within records, one a line or all on one."""

from __future__ import annotations

import io
import json
import tracemalloc
from typing import Any

import pytest

from revlog.ingestion.chunk import Scan, Source
from revlog.ingestion.convert import Converter
from revlog.ingestion.readers import json as document
from revlog.ingestion.reshape import rows_of
from revlog.values.reasons import FileRejected
from tests.unit.small_layout import contract, read, texts

REFUNDS = {
    "page": {"size": 2, "next": None},
    "refunds": [
        {"id": 1, "created": "2026-01-05", "lines": [{"sku": "a", "sum": {"shop": "5.00"}},
                                                     {"sku": "b", "sum": {"shop": "7.00"}}]},
        {"id": 2, "created": "2026-01-06", "lines": []},
        {"id": 3, "created": "2026-01-07", "lines": [{"sku": "a", "sum": {"shop": "1.50"}}]},
    ],
    "currency": "EUR",
}  # fmt: skip
NOTE = 'a "quoted" ü 😀 \\ text'
NESTED: dict[str, Any] = {
    "format": "json", "record": "refunds/lines", "extra_columns": "ignore",
    "fields": {"key": "sku", "amount": "sum/shop", "day": "../created"},
}  # fmt: skip


def _document(indent: int | None = None, **changes: Any) -> str:
    return json.dumps(REFUNDS | changes, indent=indent)


def test_records_within_records_take_the_fields_of_those_around_them() -> None:
    file = read(NESTED, _document())
    assert (texts(file, "key"), texts(file, "amount")) == (["a", "b", "a"], ["5.00", "7.00", "1.50"])
    assert texts(file, "day") == ["2026-01-05", "2026-01-05", "2026-01-07"]
    assert texts(file, "_record_no") == ["1", "2", "3"]


def test_lines_are_those_on_which_the_items_of_the_outer_array_begin() -> None:
    text = '{"refunds":\n[\n {"day": 1,\n  "lines": [{"sku": "a"}]},\n {"lines": [{"sku": "b"}]}\n]}\n'
    assert texts(read(NESTED | {"fields": {"key": "sku"}}, text), "_line_no") == ["3", "5"]


@pytest.mark.parametrize("size", [1, 2, 7, 64])
@pytest.mark.parametrize("indent", [None, 1])
def test_where_blocks_end_makes_no_difference(
    size: int, indent: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(document, "BLOCK_CHARACTERS", size)
    file = read(NESTED, json.dumps(REFUNDS | {"note": NOTE}, indent=indent, ensure_ascii=False))
    assert texts(file, "amount") == ["5.00", "7.00", "1.50"]


@pytest.mark.parametrize(
    ("content", "record"),
    [
        ('[{"key": "a"}, {"key": "b"}]', None), ('{"data": [{"key": "a"}, {"key": "b"}]}', "data"),
        ('{"data": {"items": [{"key": "a"}, {"key": "b"}], "n": 2}}', "data/items"),
        ('[{"node": {"key": "a"}}, {"node": {"key": "b"}}]', "node"),
        ('{"edges": [{"node": {"key": "a"}}, {"node": {"key": "b"}}]}', "edges/node"),
        ('[[{"key": "a"}], [{"key": "b"}]]', None),
    ],
)  # fmt: skip
def test_arrays_on_the_way_are_walked_through(content: str, record: str | None) -> None:
    layout = {"format": "json"} | ({"record": record} if record else {})
    assert texts(read(layout, content), "key") == ["a", "b"]


def test_an_object_alone_is_a_record_and_no_object_none() -> None:
    assert texts(read({"format": "json"}, '{"key": "a", "amount": 1.5}'), "amount") == ["1.50"]
    assert read({"format": "json"}, "[]").rows == 0
    assert read({"format": "json", "record": "data"}, '{"data": null}').rows == 0


def test_a_field_may_climb_out_of_the_outer_array_to_what_stands_behind_it() -> None:
    layout = NESTED | {"fields": {"key": "sku", "amount": "sum/shop", "day": "../../until"}}
    file = read(layout, _document(until="2026-01-31"))
    assert texts(file, "day") == ["2026-01-31"] * 3


def test_lines_hold_records_too() -> None:
    lines = "".join(json.dumps(refund) + "\n" for refund in REFUNDS["refunds"])
    file = read(NESTED | {"format": "jsonl", "record": "lines"}, lines)
    assert (texts(file, "key"), texts(file, "_line_no")) == (["a", "b", "a"], ["1", "1", "3"])


def test_an_item_of_an_array_has_its_number_in_the_path() -> None:
    layout = {
        "format": "json",
        "fields": {"key": "ids/1", "amount": "sums/0/shop"},
        "extra_columns": "ignore",
    }
    file = read(layout | {"extra_columns": "ignore"}, '{"ids": ["a", "b"], "sums": [{"shop": "5.00"}]}')
    assert (texts(file, "key"), texts(file, "amount")) == (["b"], ["5.00"])


def test_values_of_an_array_are_records_themselves() -> None:
    file = read({"format": "json", "record": "tags", "fields": {"key": "."}}, '{"tags": ["x", "y"]}')
    assert texts(file, "key") == ["x", "y"]


def test_a_path_to_several_values_quarantines_the_record() -> None:
    layout = NESTED | {"record": "refunds", "fields": {"key": "id", "amount": "lines/sum/shop"}}
    file = read(layout, _document())
    assert file.faults == [(1, "repeated_element", "amount")]
    assert (texts(file, "key"), texts(file, "amount")) == (["2", "3"], ["None", "1.50"])


def test_what_no_field_names_is_kept_by_its_path() -> None:
    file = read(NESTED | {"extra_columns": "keep"}, _document(indent=1))
    extra = json.loads(file.parts[0].rows["_extra"].to_pylist()[0])
    assert extra == {"../id": "1"}, "what stands around the refunds tells of the file"


@pytest.mark.parametrize(
    ("content", "record", "message"),
    [
        ("", "data", "empty_file"), ("  \n", "data", "empty_file"),
        ('{"refunds": []}', "data", "header: nothing lies at 'data'"),
        ('{"data": [{"x": 1}]}', "data/lines", "header: nothing lies at 'data/lines'"),
        ('{"data": [{"key": "a"}', "data", "truncated"), ('{"data": [{"key": "a"}]', "data", "truncated"),
        ('{"data": [{"key": "a"', "data", "truncated|malformed"), ('{"data"', "data", "truncated"),
        ('{"data": [{"key": "a"} {"key": "b"}]}', "data", "malformed: line 1 is no JSON"),
        ('{"data": []}\n{"data": []}', "data", "malformed: line 2 is no JSON: something stands behind"),
        ('{"data": [{"key": "a"}], "data": []}', "data", "malformed: 'data' stands 2 times"),
        ("<html></html>", "data", "not_this_format"), ("data", "data", "malformed"),
        (b'{"data": [{"key": "\xff"}]}', "data", "encoding"),
    ],
)  # fmt: skip
def test_a_document_that_is_none_or_not_this_one_is_rejected(
    content: str | bytes, record: str, message: str
) -> None:
    with pytest.raises(FileRejected, match=message):
        read({"format": "json", "record": record}, content)


def test_a_document_of_many_records_is_streamed(monkeypatch: pytest.MonkeyPatch) -> None:
    content = '{"data": [' + ",".join(f'{{"key": "a{i}", "amount": {i}}}' for i in range(60_000)) + "]}"
    layout = {
        "format": "json", "record": "data", "fields": {"key": "key", "amount": "amount"},
        "select": "select key, amount, _record_no from file where 1 = 0",
    }  # fmt: skip
    once, twice = content.encode(), (content[:-2] + "," + content[10:]).encode()
    small = _peak_of_reading(layout, once, 60_000)
    assert _peak_of_reading(layout, twice, 120_000) < 1.5 * small


def _peak_of_reading(layout: dict[str, Any], content: bytes, records: int) -> int:
    """Bytes held at most while a file is read chunk by chunk, as the loader does."""
    own = contract(layout)
    source = Source("x", lambda: io.BytesIO(content), Scan("", len(content), content[:4096]))
    converter = Converter(own, own.layouts["own"])
    tracemalloc.start()
    assert sum(converter.convert(chunk).skipped for chunk in rows_of(source, own, "own")) == records
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak
