"""From which columns a query's columns take their values."""

from __future__ import annotations

import pytest

from revlog.catalog.column_lineage import columns_by_table, origins_beside, origins_of, understood

KNOWN = columns_by_table(
    {("raw", "sales"): ["order_no", "net", "tax"], ("core", "lines"): ["order_no", "gross"]}
)


def _origins(query: str) -> dict[str, set[str]]:
    found = origins_of(query, KNOWN)
    assert found is not None
    return {name: {".".join(origin) for origin in origins} for name, origins in found.items()}


def test_a_renamed_column_keeps_its_origin() -> None:
    assert _origins("select s.net as net_amount from raw.sales as s") == {"net_amount": {"raw.sales.net"}}


def test_a_reckoned_column_has_all_it_is_reckoned_from() -> None:
    assert _origins("select net + tax as gross from raw.sales") == {
        "gross": {"raw.sales.net", "raw.sales.tax"}
    }


def test_a_star_is_followed_through_steps() -> None:
    query = "with a as (select * from raw.sales), b as (select a.*, a.net as again from a) select * from b"
    assert _origins(query) == {
        "order_no": {"raw.sales.order_no"},
        "net": {"raw.sales.net"},
        "tax": {"raw.sales.tax"},
        "again": {"raw.sales.net"},
    }


@pytest.mark.parametrize("operator", ["union", "union all", "except"])
def test_parts_of_a_union_meet_by_place(operator: str) -> None:
    query = (
        "select order_no as key, net as value from raw.sales"
        f" {operator} select order_no, gross from core.lines"
    )
    assert _origins(query) == {
        "key": {"raw.sales.order_no", "core.lines.order_no"},
        "value": {"raw.sales.net", "core.lines.gross"},
    }


def test_a_union_of_three_has_all_three() -> None:
    query = (
        "with u as (select net as x from raw.sales union select tax from raw.sales"
        " union select gross from core.lines) select x from u"
    )
    assert _origins(query) == {"x": {"raw.sales.net", "raw.sales.tax", "core.lines.gross"}}


def test_a_join_or_filter_is_no_origin() -> None:
    query = (
        "select s.net from raw.sales as s inner join core.lines as l on s.order_no = l.order_no"
        " where l.gross > 0"
    )
    assert _origins(query) == {"net": {"raw.sales.net"}}


def test_a_recursive_query_comes_to_an_end() -> None:
    query = (
        "with recursive c as (select order_no as key, 1 as step from raw.sales"
        " union all select c.key, c.step + 1 from c where c.step < 3) select key from c"
    )
    assert _origins(query) == {"key": {"raw.sales.order_no"}}


def test_a_constant_has_no_origin() -> None:
    assert _origins("select 'SALE' as basis") == {"basis": set()}


def test_what_is_no_sql_is_left_alone() -> None:
    assert origins_of("select from from", KNOWN) is None


def test_rows_of_values_are_followed_into_what_they_name() -> None:
    query = (
        "select v.kind, v.amount from raw.sales as s"
        " cross join lateral (values ('net', s.net), ('tax', s.tax)) as v (kind, amount)"
    )
    assert _origins(query) == {"kind": set(), "amount": {"raw.sales.net", "raw.sales.tax"}}


@pytest.mark.parametrize(
    "query",
    [
        "select v.kind, v.above, v.below from raw.sales as s cross join lateral"
        " (values ('share', s.tax, s.net), ('other', s.net, 1)) as v (kind, above, below)",
        "select 'share' as kind, tax as above, net as below from raw.sales"
        " union all select 'other', gross, gross from core.lines",
    ],
)
def test_a_name_leads_to_the_columns_beside_it(query: str) -> None:
    scope = understood(query, KNOWN)
    assert scope is not None
    assert origins_beside(scope, "share", ("above",)) == {("raw", "sales", "tax")}
    assert origins_beside(scope, "share", ("above", "below")) == {
        ("raw", "sales", "tax"), ("raw", "sales", "net"),
    }  # fmt: skip
    assert origins_beside(scope, "nothing", ("above",)) == set()
