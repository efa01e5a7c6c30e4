"""KPI slices as a dashboard asks for them, from marts beside the same answer from core."""

from __future__ import annotations

import statistics
import time

from benchmarks.report import Row
from revlog.database.connections import connect

CHANNELS = ("WEB", "STORE", "APP", "MARKETPLACE")
MONTHS = ("2025-06-01", "2025-09-01", "2025-12-01")
FROM_MARTS = """
    select product_category, sum(numerator) as returned, sum(denominator) as shipped
    from marts.kpi_daily
    where kpi = 'product_return_rate' and basis = 'SALE' and channel = %(channel)s
        and period_date >= %(month)s::date and period_date < %(month)s::date + interval '1 month'
    group by product_category order by product_category
"""
ALL_KPIS = """
    select kpi, basis, sum(numerator) as numerator, sum(denominator) as denominator
    from marts.kpi_monthly
    where month = %(month)s::date
    group by kpi, basis
"""
FROM_CORE = """
    select s.product_category, coalesce(sum(r.quantity), 0) as returned,
        sum(s.shipped_quantity) as shipped
    from core.fct_sales_line as s
    left join (
        select sales_line_key, sum(quantity) as quantity
        from core.fct_receipt where is_product group by sales_line_key
    ) as r on r.sales_line_key = s.sales_line_key
    where s.is_product and s.channel = %(channel)s and s.shipped_on >= %(month)s::date
        and s.shipped_on < %(month)s::date + interval '1 month'
    group by s.product_category order by s.product_category
"""


def measure() -> list[Row]:
    """95th percentile of milliseconds over channels and months; both must give one answer."""
    marts, core = [], []
    with connect("auditor", autocommit=True) as connection:
        for _ in range(4):
            for month in MONTHS:
                for channel in CHANNELS:
                    asked = {"channel": channel, "month": month}
                    fast, answer = _ask(connection, FROM_MARTS, asked)
                    slow, same = _ask(connection, FROM_CORE, asked)
                    assert [tuple(map(str, r)) for r in _whole(answer)] == [
                        tuple(map(str, r)) for r in _whole(same)
                    ], (asked, answer, same)
                    marts.append(fast)
                    core.append(slow)
        all_kpis = [_ask(connection, ALL_KPIS, {"month": month})[0] for _ in range(4) for month in MONTHS]
    ours, beside, month = _p95(marts), _p95(core), _p95(all_kpis)
    return [
        Row("all KPIs of a month, p95", f"{month:.2f} ms", "10 ms", month / 10, "<= 1"),
        Row(
            f"KPI slice, p95 of {len(marts)}",
            f"marts {ours:.2f} ms",
            f"core {beside:.1f} ms",
            beside / ours,
            ">= 50",
        ),
    ]


def _ask(connection, statement, asked):  # type: ignore[no-untyped-def]
    started = time.perf_counter()
    answer = connection.execute(statement, asked).fetchall()
    return 1e3 * (time.perf_counter() - started), answer


def _whole(rows):  # type: ignore[no-untyped-def]
    return [(name, int(returned), int(shipped)) for name, returned, shipped in rows]


def _p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]
