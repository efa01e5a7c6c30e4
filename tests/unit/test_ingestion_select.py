"""A layout's SELECT: what it makes of a file's rows, what it may not do, and how its faults are told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from revlog.contracts.contract import ContractError
from revlog.contracts.selection import selection
from revlog.ingestion.readers import csv
from revlog.values.reasons import FileRejected
from tests.unit.one_file import OneFile
from tests.unit.small_layout import contract, read, texts

LEDGER = "id,type,minor,cost,cur\na1,refund,500,30,USD\na2,charge,1250,65,USD\na3,charge,700,0,JPY\n"
SIGNED = """
select id as key, case type when 'refund' then -1 else 1 end * minor(minor, cur) as amount,
  -minor(cost, cur) as fee, _record_no
from file
"""
# One row a component: an invoice's columns become rows.
PARCELS = "no,freight,fuel,label\np1,9.10,0.82,\np2,9.10,0.82,1.00\n"
UNFOLDED = """
select no || '-' || part.name as key, part.amount as amount, _record_no
from file, unnest([{'name': 'freight', 'amount': freight}, {'name': 'fuel', 'amount': fuel},
                   {'name': 'label', 'amount': label}]) as parts(part)
where part.amount is not null
"""
ORDERS = "name,paid,item,price\n#1,2026-01-05,a,10.00\n#1,,b,5.00\n#2,2026-01-06,c,7.00\n#1,,d,1.00\n"
FILLED = """
select name || '-' || row_number() over order_of as key, first_value(paid ignore nulls) over (
    partition by name order by _record_no rows between unbounded preceding and unbounded following) as day,
  price as amount, _record_no
from file
window order_of as (partition by name order by _record_no)
"""
GROUPED = """
select "order" as key, sum(number(amount)) filter (kind = 'price') as amount,
  sum(number(amount)) filter (kind <> 'price') as fee, min(_record_no) as _record_no
from file group by "order"
"""
SETTLED = "order,kind,amount\no1,price,10.00\no2,price,7.00\no1,fee,-1.50\no1,tax,2.00\no1,price,0.50\n"


@pytest.fixture(autouse=True)
def customer_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key to hash with: without a warehouse there is none, and none is made up."""
    monkeypatch.setenv("REVLOG_SECRET_CUSTOMER_KEY", "key of these tests")


def _select(text: str, content: str, **layout: Any) -> OneFile:
    return read({"select": text, "date": {"format": "%Y-%m-%d"}} | layout, content)


def test_amounts_are_computed_exactly_in_the_units_of_their_currency() -> None:
    file = _select(SIGNED, LEDGER)
    assert file.bad == []
    assert texts(file, "amount") == ["-5.00", "12.50", "700.00"]
    assert texts(file, "fee") == ["-0.30", "-0.65", "0.00"]
    assert texts(file, "_line_no") == ["2", "3", "4"]


def test_one_row_becomes_a_row_for_each_component_with_its_line() -> None:
    file = _select(UNFOLDED, PARCELS)
    assert list(zip(texts(file, "key"), texts(file, "amount"), texts(file, "_line_no"), strict=True)) == [
        ("p1-freight", "9.10", "2"), ("p1-fuel", "0.82", "2"), ("p2-freight", "9.10", "3"),
        ("p2-fuel", "0.82", "3"), ("p2-label", "1.00", "3"),
    ]  # fmt: skip
    assert texts(file, "_record_no") == ["1", "2", "3", "4", "5"], "each made row has a number of its own"


def test_what_stands_on_the_first_row_of_a_group_is_filled_down() -> None:
    file = _select(FILLED, ORDERS)
    assert texts(file, "key") == ["#1-1", "#1-2", "#2-1", "#1-3"], "in the order of the file"
    assert texts(file, "day") == ["2026-01-05", "2026-01-05", "2026-01-06", "2026-01-05"]
    assert texts(file, "_line_no") == ["2", "3", "4", "5"]


def test_several_rows_become_one_and_the_others_are_counted() -> None:
    file = _select(GROUPED, SETTLED)
    assert texts(file, "key") == ["o1", "o2"]
    assert (texts(file, "amount"), texts(file, "fee")) == (["10.50", "7.00"], ["0.50", "None"])
    assert texts(file, "_line_no") == ["2", "3"], "the line of the group's first row"
    assert file.skipped == 3, "five rows of the file, two made"


def test_rows_refer_to_others_by_their_key() -> None:
    lines = (
        '{"id": "r1", "createdAt": "2026-01-05"}\n{"id": "t1", "amount": "5.00", "__parentId": "r1"}\n'
        '{"id": "t2", "amount": "1.00", "__parentId": "r1"}\n'
    )
    file = _select(
        "select t.id as key, t.amount, r.day, t._record_no from file t join file r on r.id = t.parent",
        lines, format="jsonl",
        fields={"id": "id", "amount": "amount", "day": "createdAt", "parent": "__parentId"},
    )  # fmt: skip
    assert (texts(file, "key"), texts(file, "day")) == (["t1", "t2"], ["2026-01-05"] * 2)
    assert (texts(file, "_line_no"), file.skipped) == (["2", "3"], 1)


def test_rows_that_a_select_leaves_out_are_counted() -> None:
    file = _select("select id as key, _record_no from file where type = 'charge'", LEDGER)
    assert (texts(file, "key"), file.skipped, texts(file, "_line_no")) == (["a2", "a3"], 1, ["3", "4"])


def test_what_a_select_types_needs_no_format_and_what_it_leaves_as_text_has_the_layouts() -> None:
    file = _select(
        "select id as key, number(minor) as amount, fee, make_date(2026, 1, 5) as day,"
        " strptime(\"at\", '%m/%d/%Y') as at, _record_no from file",
        "id;minor;fee;at\na1;1.234,50;0,30;01/05/2026\n",
        delimiter=";", decimal=",", thousands=".", date={"format": "%d.%m.%Y"},
        timestamp={"format": "%d.%m.%Y", "zone": "America/New_York"},
    )  # fmt: skip
    assert file.bad == []
    assert [texts(file, n) for n in ("amount", "fee", "day", "at")] == [
        ["1234.50"], ["0.30"], ["2026-01-05"], ["2026-01-05 05:00:00+00:00"],
    ]  # fmt: skip


def test_rows_left_to_other_feeds_change_nothing_in_what_is_typed() -> None:
    file = _select(
        "select id as key, type, minor(minor, cur) as amount, _record_no from file", LEDGER, decimal=",",
        rows=[{"column": "type", "in": ["charge"]}],
    )  # fmt: skip
    assert (file.bad, texts(file, "key"), texts(file, "amount")) == ([], ["a2", "a3"], ["12.50", "700.00"])


def test_an_instant_is_one_in_every_zone() -> None:
    file = _select("select id as key, to_timestamp(minor::bigint) as at, _record_no from file",
                   "id,minor\na1,1764605365\n")  # fmt: skip
    assert texts(file, "at") == ["2025-12-01 16:09:25+00:00"]


def test_a_local_time_without_a_zone_is_refused() -> None:
    with pytest.raises(FileRejected, match="at is a local time and no zone is named"):
        _select("select id as key, strptime('2026', '%Y') as at, _record_no from file", "id\na1\n")


@pytest.mark.parametrize(
    ("content", "faults"),
    [
        (LEDGER.replace("1250", "12x"), [(3, "not_a_number", "amount")]),
        (LEDGER.replace("65", "0.123456789"), [(3, "too_many_decimals", "fee")]),
        (LEDGER.replace("500", "5O0").replace("700", "?"),
         [(2, "not_a_number", "amount"), (4, "not_a_number", "amount")]),
    ],
)  # fmt: skip
def test_a_row_on_which_the_select_fails_is_quarantined_with_its_line_and_column(
    content: str, faults: list[tuple[int, str, str]]
) -> None:
    file = _select(SIGNED, content)
    assert file.faults == faults
    assert file.rows == 3 - len(faults)


def test_the_detail_of_a_failing_row_is_its_value_or_the_engines_words() -> None:
    [bad] = _select(SIGNED, LEDGER.replace("1250", "12x")).bad
    assert (bad.detail, "12x" in bad.raw_text) == ("'12x'", True)
    [bad] = _select(
        "select id as key, minor::int as amount, _record_no from file", LEDGER.replace("500", "?")
    ).bad
    assert (str(bad.reason), bad.column) == ("select_error", "amount")
    assert bad.detail.startswith("Could not convert string '?' to INT32")


@pytest.mark.parametrize("rest", ["where id > ''", "group by all"])
def test_rows_set_apart_before_and_behind_the_select_have_numbers_of_their_own(rest: str) -> None:
    """Else the second one of them can't be quarantined: the number is part of the key."""
    ragged, good, bad = "b,1", "c,1,EUR", "d,x,EUR"
    content = "\n".join(["id,price,cur", ragged, good, bad, bad, good, ragged, ""])
    file = _select(f"select id as key, price as amount, _record_no from file {rest}", content)
    assert sorted((b.line_no, str(b.reason)) for b in file.bad) == [
        (2, "ragged_row"), (4, "not_a_number"), (5, "not_a_number"), (7, "ragged_row"),
    ]  # fmt: skip
    numbers = file.column("_record_no") + [b.record_no for b in file.bad]
    assert len(set(numbers)) == len(numbers) == 6


def test_a_layout_whose_select_fails_everywhere_rejects_the_file() -> None:
    many = "id,type,minor,cost,cur\n" + "".join(f"a{i},charge,x,0,USD\n" for i in range(1200))
    with pytest.raises(
        FileRejected, match=r"select: it fails on more than 500 rows, in line 502: not_a_number"
    ):
        _select(SIGNED, many)


def test_a_row_that_a_group_lacks_rejects_the_file_and_names_it() -> None:
    with pytest.raises(
        FileRejected, match=r"select: it fails in column amount, line 6: not_a_number: '0\.5O'"
    ):
        _select(GROUPED, SETTLED.replace("0.50", "0.5O"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("select idd as key, _record_no from file", "there is no column idd; near: id"),
        ("select id as key from file", "yields no _record_no"),
        ("select *, number(id) as Type from file", "yields Type, type twice: write `select . replace"),
        (
            "select id as key, 1 / 3 as amount, _record_no from file",
            "amount is a binary fraction: use divide",
        ),
        ("select id as key, {'a': 1} as amount, _record_no from file", r"amount is a STRUCT.*: cast it"),
        (
            "select id as key, _record_no + 7 as _record_no from file",
            "a _record_no that the file does not have",
        ),
        ("select id as key, nope(id) as amount, _record_no from file", "nope does not exist"),
        ("select min(id) as key, max(_record_no) + 9 as _record_no from file", "that the file does not have"),
    ],
)
def test_a_select_that_does_not_fit_the_file_rejects_it(text: str, message: str) -> None:
    with pytest.raises(FileRejected, match=f"^select: .*{message}"):
        _select(text, LEDGER)


def test_columns_that_sql_can_not_tell_apart_reject_the_file_where_they_are_read() -> None:
    text = "select id as key, _record_no from file"
    assert _select(text, "id,Sum,sum\na1,1,2\n").rows == 1
    with pytest.raises(FileRejected, match="SQL can't tell the columns Sum and sum apart"):
        _select("select id as key, sum as amount, _record_no from file", "id,Sum,sum\na1,1,2\n")


def test_a_column_that_files_may_lack_is_empty() -> None:
    text = "select id as key, cost as fee, _record_no from file"
    with pytest.raises(FileRejected, match="no column cost"):
        _select(text, "id\na1\n")
    assert texts(_select(text, "id\na1\n", optional=["cost"]), "fee") == ["None"]


def test_what_files_may_lack_is_a_column_of_the_file_and_may_be_called_as_a_required_one() -> None:
    text = "select coalesce(key, 'none-' || _record_no) as key, id as amount, _record_no from file"
    assert texts(_select(text, "id\n1\n2\n", optional=["key"]), "key") == ["none-1", "none-2"]


def test_a_field_that_no_record_has_rejects_the_file() -> None:
    layout = {"format": "jsonl", "fields": {"id": "id", "fee": "cost"}}
    text = "select id as key, fee, _record_no from file"
    with pytest.raises(FileRejected, match="required columns are missing: fee"):
        _select(text, '{"id": "a1"}\n', **layout)
    assert texts(_select(text, '{"id": "a1"}\n{"id": "a2", "cost": 1}\n', **layout), "fee") == [
        "None",
        "1.00",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("selec", "syntax error at or near"),
        ("select 1; select 2 from file", "one SELECT"),
        ("drop table file", "SELECT"), ("copy file to '/tmp/x'", "SELECT"), ("attach 'x.db'", "SELECT"),
        ("select * from read_csv('/etc/passwd')", "reads read_csv"),
        ("select * from '/etc/passwd'", "reads /etc/passwd"),
        ("select * from file, glob('/*')", "reads glob"),
        ("select * from duckdb_settings()", "reads duckdb_settings"),
        ("select * from information_schema.tables", "reads information_schema.tables"),
        ("select 1", "does not read `file`"),
        ("select *, now() as at from file", "now gives another result each time"),
        ("select *, current_date as day from file", "current_date gives another result"),
        ("select *, random() as amount from file", "random gives another result"),
        ("select * from file using sample 10", "takes a sample"),
        ("summarize file", "reads a SHOW_REF"),
    ],
)  # fmt: skip
def test_a_select_reads_the_file_and_nothing_else(text: str, message: str) -> None:
    with pytest.raises(ContractError, match=message):
        contract({"select": text})


@pytest.mark.parametrize(
    "text",
    ["select *, (select content from read_text('{}')) as amount from file", "from file, read_blob('{}')"],
)
def test_the_engine_itself_opens_no_file(text: str, tmp_path: Path) -> None:
    """Were a relation to slip through the check of the SELECT."""
    import duckdb

    from revlog.contracts.sandbox import sandbox

    (tmp_path / "secret").write_text("x")
    with sandbox() as connection:
        connection.execute("create table file as select 1 as id")
        with pytest.raises(duckdb.PermissionException):
            connection.sql(text.format(tmp_path / "secret")).fetchall()
        for statement in ("set enable_external_access = true", f"attach '{tmp_path}/x.db'", "load httpfs"):
            with pytest.raises(duckdb.Error):
                connection.execute(statement)


@pytest.mark.parametrize(
    ("text", "is_streamed"),
    [
        ("select * from file where a = 1", True),
        ("with x as (select *, number(a) as b from file) select * from x", True),
        ("select _record_no, i->>'sku' as sku from file, unnest(items(lines)) as t(i)", True),
        ("select f.*, o.name from file f left join orders o on o.id = f.id", True),
        ("select f.*, o.name from orders o left join file f on o.id = f.id", False),
        ("select * from file f right join orders o on o.id = f.id", False),
        ("select sum(number(a)) from file", False), ("select count(*) from file", False),
        ("select a, row_number() over () from file", False), ("select distinct a from file", False),
        ("select a from file limit 5", False), ("select a from file union all select b from file", False),
        ("select a, (select max(b) from file) from file", False), ("select a from file group by all", False),
        ("select c.* from file c join file p on p.id = c.parent", False),
    ],
)  # fmt: skip
def test_a_select_is_run_on_chunks_where_each_row_is_made_of_one(text: str, is_streamed: bool) -> None:
    assert selection(text, ("orders",)).is_row_by_row is is_streamed


def test_chunks_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = "".join(f"a{i},charge,{i},{i % 7},USD\n" for i in range(500))
    content = "id,type,minor,cost,cur\n" + rows.replace("a250,charge,250", "a250,charge,x")
    whole = _select(SIGNED, content)
    monkeypatch.setattr(csv, "BLOCK_BYTES", 1024)
    parts = _select(SIGNED, content)
    assert len(parts.parts) > 5
    for name in ("key", "amount", "fee", "_line_no"):
        assert texts(parts, name) == texts(whole, name)
    assert parts.faults == whole.faults == [(252, "not_a_number", "amount")]


def test_a_file_that_is_larger_than_memory_waits_on_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    from revlog.contracts import sandbox

    rows = "".join(f"o{i % 1000},price,{i}.00\n" for i in range(60_000))
    monkeypatch.setattr(sandbox, "MEMORY", "24MB")
    file = _select(GROUPED, "order,kind,amount\n" + rows)
    # 60 rows an order, the sum of i, i + 1000, … i + 59000: 60 i + 1000 * (0 + … + 59)
    assert (file.rows, texts(file, "amount")[1]) == (1000, f"{60 + 1000 * 59 * 60 // 2}.00")


@pytest.mark.parametrize("row", ["2,3.00,Ann Lee,too much", "2,three,Ann Lee"])
def test_a_column_that_the_select_does_not_read_is_in_no_refused_row(row: str) -> None:
    text = "select no as key, number(amount) as amount, _record_no from file"
    [bad] = _select(text, f"no,amount,recipient\n1,2.00,Bob May\n{row}\n").bad
    assert "Ann" not in bad.raw_text + str(bad.detail)


def test_personal_data_is_in_no_reason() -> None:
    columns = {
        "customer_id": {"type": "id", "required": True, "pii": "pseudonym", "description": "Who."},
        "name": {"type": "text", "pii": "direct", "description": "Name."},
        "amount": {"type": "money", "description": "Amount."},
    }
    layout = {"select": "select who as customer_id, name, number(amount) as amount, _record_no from file"}
    changes = {"columns": columns, "key": ["customer_id"]}
    file = read(layout, "who,name,amount\nc1,Ann Lee,1.00\nc2,Bob May,Bob May\n", **changes)
    [bad] = file.bad
    assert (str(bad.reason), bad.column) == ("not_a_number", "amount")
    assert "Bob" not in bad.raw_text + bad.detail
    with pytest.raises(FileRejected) as told:
        read(layout, "Ann Lee,c1,1.00\n", **changes)
    assert "Ann" not in str(told.value)


def test_numbers_of_json_keep_every_digit() -> None:
    file = _select(
        "select id as key, number(i->>'price') as amount, _record_no from file, unnest(items(lines)) as t(i)",
        '{"id": "a1", "lines": [{"price": 1234567890123.10}, {"price": 0.3}]}\n',
        format="jsonl", fields={"id": "id", "lines": "lines"},
    )  # fmt: skip
    assert sorted(texts(file, "amount")) == ["0.30", "1234567890123.10"]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("divide(10, 3)", "3.33"), ("divide(-10, 3)", "-3.33"), ("divide(1, 8)", "0.13"),
        ("divide(-1, 8)", "-0.13"), ("divide(2, 3, decimals := 0)", "1.00"), ("minor('5', 'jpy')", "5.00"),
        ("minor('1234', 'KWD') * 1000", "1234.00"), ("apportion(1.00, 1, 1, 3)", "0.33"),
        ("apportion(1.00, 1, 2, 3)", "0.34"), ("apportion(1.00, 1, 3, 3)", "0.33"),
        ("apportion(0.00, 0, 0, 0)", "0.00"), ("abs(number('-3.5'))", "3.50"), ("number(null)", "None"),
        ("round(number('1.005'), 2)", "1.01"), ("0.1 + 0.2", "0.30"),
    ],
)  # fmt: skip
def test_arithmetic_is_exact(expression: str, value: str) -> None:
    file = _select(f"select id as key, {expression} as amount, _record_no from file", "id\na1\n")
    assert (file.bad, texts(file, "amount")) == ([], [value])
