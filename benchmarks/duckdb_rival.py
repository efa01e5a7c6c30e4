"""The four KPIs straight from the landed files with DuckDB, as an analyst's script would.

Units are counted as the warehouse counts them. Costs leave out processor fees and service cases, cycle times
what is still under way.

`python duckdb_rival.py LANDING SEEDS` prints one JSON object: the KPIs over all time, and seconds. It takes
the files as they are: no row is checked, quarantined or traced, nothing is kept, and of everything that the
warehouse derives only these four figures. XML and XLSX, which DuckDB does not read, come through lxml and
openpyxl.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import duckdb
import pandas as pd
from lxml import etree
from openpyxl import load_workbook

DISPOSITION = ("receipt_id", "quantity", "code", "handling_cost", "disposed_at", "reverses")
NUMBER = "cast(replace({0}, ',', '.') as decimal(18, 4)) as {0}"

QUERY = """
with fx as (
    select from_currency as currency, rate_date, rate,
        lead(rate_date, 1, date '9999-12-31') over (partition by from_currency order by rate_date) as until
    from (
        select from_currency, cast(rate_date as date) as rate_date, cast(rate as double) as rate
        from rates
        union all select 'EUR', date '1900-01-01', 1
    )
),
sold as (
    select order_no, line_no, sku, cast(quantity as int) as quantity, unit_cost,
        strptime(nullif(shipped_at, ''), '%d.%m.%Y %H:%M:%S') as shipped_at, currency
    from sales
    qualify row_number() over (
        partition by order_no, line_no order by strptime(updated_at, '%d.%m.%Y %H:%M:%S') desc) = 1
),
rma as (
    select * from authorizations
    qualify row_number() over (partition by rma_no, rma_line_no order by updated_at desc) = 1
),
received as (
    select receipt_id, any_value(r.rma_no) as rma_no, any_value(r.rma_line_no) as rma_line_no,
        any_value(r.sku) as sku, any_value(r.site) as site, any_value(cast(r.quantity as int)) as quantity,
        any_value(timezone(r.received_zone, cast(r.received_at as timestamp))) as received_at
    from receipts as r group by receipt_id
),
taken_back as (
    select reverses as disposition_id, sum(cast(quantity as int)) as quantity
    from dispositions where reverses is not null group by reverses
),
gone as (
    select d.disposition_id, d.receipt_id, cast(d.disposed_at as timestamptz) as disposed_at,
        greatest(cast(d.quantity as int) - coalesce(t.quantity, 0), 0) as net, c.disposition, k.is_final
    from dispositions as d
    left join taken_back as t on d.disposition_id = t.disposition_id
    join disposition_crosswalk as c on d.code = c.source_code
    join disposition_codes as k on c.disposition = k.disposition
    where d.reverses is null
),
ended as (
    select g.receipt_id, sum(net) as units,
        sum(net * floor(epoch(g.disposed_at - coalesce(q.requested_at, r.received_at)) / 3600)) as hours
    from gone as g join received as r using (receipt_id)
    left join rma on r.rma_no = rma.rma_no and r.rma_line_no = rma.rma_line_no
    left join (
        select request_id, cast(min(requested_at) as timestamptz) as requested_at from requests group by 1
    ) as q on rma.request_id = q.request_id
    where is_final and net > 0 group by g.receipt_id
),
costs as (
    select receipt_id, currency, on_date, amount from (
        select p.receipt_id, i.currency, strptime(i.invoiced_on, '%d/%m/%Y') as on_date,
            i.amount / count(*) over (partition by i.invoice_no, i.tracking_no, i.charge_type) as amount
        from invoices as i join receipts as p on i.tracking_no = p.tracking_no
        union all
        select receipt_id, h.currency, r.received_at, r.quantity * h.rate
        from received as r join handling_rates as h on r.site = h.site and h.activity = 'receiving'
        union all
        select receipt_id, h.currency, cast(i.inspected_at as timestamptz),
            cast(i.labour_minutes as double) * h.rate / 60
        from inspections as i join received as r using (receipt_id)
        join handling_rates as h on r.site = h.site and h.activity = 'inspection'
        union all
        select receipt_id, currency, cast(disposed_at as timestamptz), cast(handling_cost as double)
        from dispositions
        union all
        select receipt_id, h.currency, g.disposed_at,
            g.net * date_diff('day', r.received_at, g.disposed_at) * h.rate
        from gone as g join received as r using (receipt_id)
        join handling_rates as h on r.site = h.site and h.activity = 'storage' where g.is_final
        union all
        select receipt_id, currency, opened_at, labour_minutes * labour_rate / 60 + parts_cost
        from work_orders
    )
),
spent as (
    select c.receipt_id, sum(c.amount * fx.rate) as amount from costs as c
    join fx on c.currency = fx.currency and c.on_date >= fx.rate_date and c.on_date < fx.until
    group by c.receipt_id
),
graded as (
    select receipt_id, coalesce(g.grade, 'LIKE_NEW') as grade from inspections as i
    left join grades as g on i.functional_grade = g.functional_grade and i.cosmetic_grade = g.cosmetic_grade
    qualify row_number() over (partition by receipt_id order by inspected_at desc) = 1
),
recovered as (
    select sum((cast(s.gross_proceeds as double) - cast(s.fees as double)) * fx.rate) as amount
    from recovery_sales as s
    join fx on s.currency = fx.currency
        and cast(s.sold_at as date) >= fx.rate_date and cast(s.sold_at as date) < fx.until
    union all
    select sum(g.net * s.unit_cost * f.restock_factor * fx.rate)
    from gone as g join received as r using (receipt_id)
    join rma on r.rma_no = rma.rma_no and r.rma_line_no = rma.rma_line_no
    join sold as s on rma.order_no = s.order_no and rma.order_line_no = s.line_no
    left join graded using (receipt_id)
    join grade_factors as f on coalesce(graded.grade, 'LIKE_NEW') = f.grade
    join fx on s.currency = fx.currency and g.disposed_at >= fx.rate_date and g.disposed_at < fx.until
    where g.disposition = 'RESTOCK'
    union all
    select sum(c.credited_amount * fx.rate) from vendor_claims as c
    join fx on c.currency = fx.currency and strptime(c.credited_on, '%d.%m.%Y') >= fx.rate_date
        and strptime(c.credited_on, '%d.%m.%Y') < fx.until
    where c.credited_amount > 0
)
select
    (select sum(quantity) from received) as returned_units,
    (select sum(quantity) from sold where shipped_at is not null) as shipped_units,
    (select sum(units) from ended) as disposed_units,
    (select sum(hours) / sum(units) from ended) as cycle_hours,
    (select sum(s.amount * e.units / r.quantity)
        from spent as s join ended as e using (receipt_id) join received as r using (receipt_id)) as cost,
    (select sum(amount) from recovered) as recovered
"""


def main(landing: Path, seeds: Path) -> None:
    """Read, join, sum; print the figures and the seconds they took."""
    started = time.perf_counter()
    database = duckdb.connect()
    database.execute("set timezone = 'UTC'")
    _csv(database, "sales", landing, "erp/erp_sales_lines", "delim=';', encoding='latin-1'", ("unit_cost",))
    _csv(database, "authorizations", landing, "erp/erp_return_authorizations")
    _csv(database, "rates", landing, "erp/erp_fx_rates")
    _csv(database, "recovery_sales", landing, "erp/erp_recovery_sales", "delim='\t'")
    totals = "delim=';', null_padding=true"
    _csv(database, "invoices", landing, "wms/wms_carrier_invoices", totals, ("amount",))
    claims = "delim=';', encoding='latin-1'"
    _csv(database, "vendor_claims", landing, "erp/erp_vendor_claims", claims, ("credited_amount",))
    for table, feed in (("receipts", "wms/wms_return_receipts"), ("inspections", "wms/wms_inspections"),
                        ("requests", "crm/crm_return_requests")):  # fmt: skip
        files = f"'{landing}/{feed}_*.jsonl', union_by_name=true"
        database.execute(f"create table {table} as from read_json({files})")
    database.register("dispositions", _dispositions(landing))
    database.register("work_orders", _work_orders(landing))
    for table, name in (("handling_rates",) * 2, ("disposition_crosswalk",) * 2, ("grades",) * 2,
                        ("grade_factors",) * 2, ("disposition_codes", "dispositions")):  # fmt: skip
        database.execute(f"create table {table} as from read_csv('{seeds}/{name}.csv')")
    names = [column[0] for column in database.execute(QUERY).description]
    found = dict(zip(names, map(float, database.fetchone()), strict=True))
    print(json.dumps(found | {"seconds": time.perf_counter() - started}))


def _csv(database, table, landing, feed, options="", numbers=()):  # type: ignore[no-untyped-def]
    replaced = ", ".join(NUMBER.format(name) for name in numbers)
    columns = f"* replace ({replaced})" if numbers else "*"
    database.execute(
        f"create table {table} as select {columns} from"
        f" read_csv('{landing}/{feed}_*.csv', all_varchar=true{', ' + options if options else ''})"
    )


def _dispositions(landing: Path) -> pd.DataFrame:
    rows = []
    for path in sorted(landing.glob("wms/wms_dispositions_*.xml")):
        for _, node in etree.iterparse(path, tag="disposition"):
            row = {name: node.findtext(name) for name in DISPOSITION}
            cost = node.find("handling_cost")
            currency = None if cost is None else cost.get("currency")
            rows.append(row | {"disposition_id": node.get("id"), "currency": currency})
            node.clear()
    return pd.DataFrame(rows)


def _work_orders(landing: Path) -> pd.DataFrame:
    rows = []
    for path in sorted(landing.glob("wms/wms_work_orders_*.xlsx")):
        sheet = load_workbook(path, read_only=True).active
        head, *body = sheet.iter_rows(min_row=3, values_only=True)  # two lines of title stand above
        rows += [dict(zip(head, values, strict=True)) for values in body]
    return pd.DataFrame(rows).sort_values("updated_at").drop_duplicates("work_order_no", keep="last")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
