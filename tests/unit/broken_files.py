"""Files of every format that something has happened to, each made from a number."""

from __future__ import annotations

import gzip
import io
import json
import random
import zipfile
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyarrow as pa

from revlog.contracts.contract import Contract
from revlog.ingestion.archives import BROKEN
from tests.faults.formats import ENDINGS, FORMATS, parquet, written

FEEDS = ("erp_recovery_sales", "crm_customers")
DAY = "20260131"
# Stands in every personal value, so that one knows it wherever it turns up.
PERSON = "Secretova"
SOUND: dict[str, dict[str, str]] = {
    "erp_recovery_sales": {
        "recovery_id": "R{n}", "disposition_id": "D{n}", "sku": "00{n}", "serial_no": "", "quantity": "{n}",
        "channel": "outlet", "gross_proceeds": "{n}.50", "fees": "0.10", "currency": "EUR",
        "sold_at": "2026-01-31 10:00:00",
    },
    "crm_customers": {
        "customer_id": "{n}-" + PERSON, "name": "Ada " + PERSON, "email": f"ada.{PERSON}@example.com",
        "phone": f"+49 {PERSON}", "country": "DE", "segment": "loyalty", "created_at": "2026-01-31 10:00:00",
        "merged_into": "", "marketing_consent": "true",
    },
}  # fmt: skip
# What values of real files hold, and what nobody expects of them.
VALUES = (
    "", " ", "0", "-1", "1e400", "NaN", "Infinity", "-0.0", "9" * 40, "0." + "9" * 40, "1,5", "1.234,56-",
    "EUR", "XXX", "KWD", "0001-01-01 00:00:00", "9999-12-31 23:59:59", "10000-01-01", "2026-02-30 10:00:00",
    "2026-01-31T10:00:00+99:99", "true", "A\u200bB", "\ufeffA", "\u202eA", "\u00a0", "Ã¤", "\u0085", "\u2028",
    "\U0001f600", "a\x1fb", "\x0b", "a\tb", 'a"b', "a,b", "a\nb", "a\rb", "=1+1", "{}", "[1]", "x" * 1001,
    "ä" * 900, "null", "NULL", "\\N", "''", "a;b|c", "2026-01-31 24:00:00", "1899-12-30 00:00:00",
)  # fmt: skip
# What gets into the bytes of files.
TOKENS = (
    b"\0", b"\xff", b"\xfe\xff", b"\xef\xbb\xbf", b"\r", b"\n", b"\r\n", b"\n\n\n", b'"', b'""', b",", b"\t",
    b";",
    b"\x1a", b"\x80", b"\xc3", b"\xed\xa0\x80", b"\\u0000", b"\\ud800", b"\\u202e", b"1e999999", b"-", b"NaN",
    b"null", b"[]", b"{}", b"[[[[", b"}", b"{", b": ", b"[" * 3000, b"{\"a\":" * 1500, b"<a>", b"</rows>",
    b"<row/>",
    b"<row>", b"&#0;", b"&lt;", b"&x;", b"]]>", b"<![CDATA[", b"<!-- ", b"<!DOCTYPE a [<!ENTITY x 'y'>]>",
    b"<?xml version='1.0' encoding='utf-7'?>", b"<x:row xmlns:x='u'/>", b" xmlns='u'", b"PK\x03\x04",
    b"PAR1", b"\x1f\x8b",
    b"%PDF", b"<html>", b"recovery_id", b"customer_id", b"Total", b" " * 500, b"9" * 400,
)  # fmt: skip
SPELLING: dict[str, Any] = {"timestamp": {"format": "%Y-%m-%d %H:%M:%S", "zone": "UTC"}}


@dataclass(frozen=True)
class Broken:
    """One file: which feed and layout read it, and what is in it."""

    feed: str
    layout: str
    name: str
    content: bytes


def layouts(contract: Contract) -> dict[str, dict[str, Any]]:
    """A layout of each format, and of what reads them in another way."""
    names = {name: name for name in contract.columns}
    free = [name for name, column in contract.columns.items() if not column.required]
    places = {name: [1 + 40 * at, 40] for at, name in enumerate(contract.columns)}
    select: dict[str, Any] = {"select": "select * from file"}
    grouped: dict[str, Any] = {"select": "select distinct on (_record_no) * from file"}
    xml = {"format": "xml", "record": "row", "fields": names}
    ways: dict[str, dict[str, Any]] = {
        **{name: {"format": name} for name in FORMATS},
        "fixed_width": {"format": "fixed_width", "widths": places},
        "xml": xml,
        "old": {"format": "csv", "encoding": "cp1252", "skip": ["^Total"]},
        "wide": {"format": "csv", "encoding": "utf-16"},
        "unquoted": {"format": "csv", "quote": "", "extra_columns": "ignore"},
        "nameless": {"format": "csv", "names": list(names), "header_row": 1},
        "fields": {"format": "jsonl", "fields": names, "optional": free},
        "json": {"format": "json", "record": "data/rows"},
        "climbing": xml | {"fields": names | {list(names)[-1]: "../@" + list(names)[-1]}},
        "selected": {"format": "csv"} | select,
        "selected_json": {"format": "jsonl", "fields": names} | select,
        "selected_whole": {"format": "csv"} | grouped,
        "selected_book": {"format": "xlsx"} | select,
    }
    return {
        key: SPELLING | {"file": f"{contract.feed}_{key}_*_{{date}}.{_ending(way)}"} | way
        for key, way in ways.items()
    }


def _ending(way: dict[str, Any]) -> str:
    return ENDINGS.get(way["format"], "json")


def broken(number: int, contracts: dict[str, Contract]) -> Broken:
    """The file that this number stands for."""
    chance = random.Random(number)
    contract = contracts[chance.choice(FEEDS)]
    key = chance.choice(sorted(contract.layouts))
    content = _written(chance, contract, key)
    for _ in range(chance.choice((0, 1, 1, 1, 2, 4))):
        content = _hurt(chance, content)
    name = contract.layouts[key].file.replace("*", str(number)).replace("{date}", DAY)
    name, content = _packed(chance, name, content)
    return Broken(contract.feed, key, name, content)


def _written(chance: random.Random, contract: Contract, key: str) -> bytes:
    """A file of some rows, with a value now and then that nobody expects."""
    form = contract.layouts[key].format
    odd = [v for v in VALUES if _can_hold(form, v)]
    rows = [
        {
            name: chance.choice(odd) if chance.random() < 0.04 else text.replace("{n}", str(n))
            for name, text in SOUND[contract.feed].items()
        }
        for n in range(1, chance.choice((1, 2, 3, 12)))
    ]
    if form == "parquet" and chance.random() < 0.5:
        return _odd_columns(chance, list(contract.columns))
    if form == "json":
        return json.dumps({"data": {"rows": rows}}, indent=chance.choice((None, 1))).encode()
    if form == "jsonl" and chance.random() < 0.3:
        return "".join(json.dumps(_nested(chance, row)) + "\n" for row in rows).encode()
    order = list(contract.columns)
    if chance.random() < 0.1:
        order.append(chance.choice([*order, "", "Extra", "x\u200by"]) if form == "csv" else "Extra")
    if form == "fixed_width":
        return written(form, rows, contract, layout=key)
    content = written(form, rows, contract, order=order)
    return content.decode().encode("utf-16") if contract.layouts[key].encoding == "utf-16" else content


def _can_hold(form: str, value: str) -> bool:
    if form == "fixed_width":
        return len(value) <= 40
    if form in ("xlsx", "xml"):
        return not any(ord(c) < 32 and c not in "\t\n\r" for c in value)
    return True


def _nested(chance: random.Random, row: dict[str, str]) -> dict[str, Any]:
    """The same with what JSON alone can hold."""
    odd: list[Any] = [
        None, True, 1, -0.0, 1.5, 10**30, [], ["a"], {}, {"a": [1]}, "\0", "\ud800", float("nan"), [["\0"]],
    ]  # fmt: skip
    found: dict[str, Any] = {k: chance.choice(odd) if chance.random() < 0.1 else v for k, v in row.items()}
    if chance.random() < 0.2:
        found[chance.choice(("a\0b", "\ud800", "", " ", "x" * 600, PERSON))] = chance.choice(odd)
    return found


def _odd_columns(chance: random.Random, names: list[str]) -> bytes:
    """A table of Parquet whose columns are of any type."""
    makers = (
        lambda: pa.array([1, None], pa.int8()), lambda: pa.array([2**63, 0], pa.uint64()),
        lambda: pa.array([1.5, float("nan")]), lambda: pa.array([float("inf"), -0.0], pa.float32()),
        lambda: pa.array([Decimal(1), Decimal("-0.5")], pa.decimal128(38, 30)),
        lambda: pa.array([Decimal("0E-7"), None], pa.decimal256(70, 7)),
        lambda: pa.array([0, 2**40], pa.timestamp("s", "UTC")), lambda: pa.array([-(2**62), 1],
        pa.timestamp("us")),
        lambda: pa.array([2**60, 1], pa.timestamp("ns", "Europe/Berlin")), lambda: pa.array([-(2**30),
        2**30], pa.date32()),
        lambda: pa.array([1, 86_399], pa.time32("s")), lambda: pa.array([b"\xff", b"a"]),
        lambda: pa.array(["a", "b"]).dictionary_encode(), lambda: pa.array([[1], None]), lambda: pa.nulls(2),
        lambda: pa.array([{"a": 1}, None]), lambda: pa.array([True, None]), lambda: pa.array(["a\0b",
        "\u200b"]),
        lambda: pa.array(["R1", "R2"], pa.large_string()), lambda: pa.array([1, 2], pa.duration("s")),
    )  # fmt: skip
    columns = [chance.choice(makers)() for _ in names]
    if chance.random() < 0.2:
        names = [*names[:-1], chance.choice(("a\0b", names[0], "", "x" * 600))]
    return parquet(pa.Table.from_arrays(columns, names=names), store_schema=chance.random() < 0.5)


def _hurt(chance: random.Random, content: bytes) -> bytes:
    """One thing happens to the bytes; those of a workbook are hurt inside of it, too."""
    if content.startswith(b"PK") and chance.random() < 0.8:
        return _hurt_member(chance, content)
    at = chance.randrange(len(content) + 1)
    to = min(len(content), at + chance.choice((1, 1, 2, 8, 100)))
    token = chance.choice(TOKENS)
    return chance.choice((
        lambda: content[:at] + token + content[at:],
        lambda: content[:at] + token + content[to:],
        lambda: content[:at] + content[to:],
        lambda: content[:at] + content[at:to] * 3 + content[to:],
        lambda: content[:at],
        lambda: content[:at] + bytes([chance.randrange(256)]) + content[at + 1 :],
        lambda: content.replace(content[at:to], token) if to > at else content,
        lambda: content + content,
        lambda: token + content,
        lambda: content + token,
    ))()  # fmt: skip


def _hurt_member(chance: random.Random, content: bytes) -> bytes:
    out = io.BytesIO()
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
            members = old.infolist()
            hurt = chance.choice(members)
            for member in members:
                part = old.read(member)
                if member is hurt:
                    part = _hurt(chance, part)
                if member is not hurt or chance.random() < 0.9:
                    new.writestr(member.filename, part)
    except BROKEN:
        return content[::-1]
    return out.getvalue()


def _packed(chance: random.Random, name: str, content: bytes) -> tuple[str, bytes]:
    way = chance.choice(("",) * 8 + ("gz", "gz", "zip"))
    if way == "gz":
        content = gzip.compress(content, mtime=0)
    if way == "zip":
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr(chance.choice(("x.csv", "../x", "a/b", name)), content)
            if chance.random() < 0.1:
                archive.writestr("second", b"")
        content = out.getvalue()
    if way and chance.random() < 0.4:
        content = _hurt(chance, content) if way == "gz" else content[: chance.randrange(len(content))]
    return (f"{name}.{way}" if way else name), content
