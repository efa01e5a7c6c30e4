-- asset: build.kpi_daily beside core
-- key: total, in_mart, in_core
-- holds: marts
-- Control totals: the mart's sums beside those of core, each counted on its own. A night counts
-- its newest days only, since it must cost what it brought; a full build all days.
select
    'units received' as total,
    (
        select coalesce(sum(numerator), 0)
        from build.kpi_cells
        where kpi = 'product_return_rate' and basis = 'RETURN' and period_date >= {{ since }}
    ) as in_mart,
    (
        select coalesce(sum(quantity), 0)
        from core.fct_receipt
        where is_product and received_on >= {{ since }}
    ) as in_core
union all
select
    'units shipped' as total,
    (
        select coalesce(sum(denominator), 0)
        from build.kpi_cells
        where kpi = 'product_return_rate' and basis = 'RETURN' and period_date >= {{ since }}
    ) as in_mart,
    (
        select coalesce(sum(shipped_quantity), 0)
        from core.fct_sales_line
        where is_product and shipped_quantity > 0 and shipped_on >= {{ since }}
    ) as in_core
union all
select
    'amounts captured' as total,
    (
        select coalesce(sum(denominator), 0)
        from build.kpi_cells
        where kpi = 'refund_rate' and basis = 'REFUND' and period_date >= {{ since }}
    ) as in_mart,
    (
        select coalesce(sum(captured_reporting), 0)
        from core.fct_sales_line
        where is_product and shipped_quantity > 0 and shipped_on >= {{ since }}
    ) as in_core
union all
select
    'cash refunded' as total,
    (
        select coalesce(sum(numerator), 0)
        from build.kpi_cells
        where kpi = 'refund_rate' and basis = 'REFUND' and period_date >= {{ since }}
    ) as in_mart,
    (
        select coalesce(-sum(m.reporting_gross_amount), 0)
        from core.fct_settlement as m
        left join core.fct_return_line as l on m.return_line_key = l.return_line_key
        where coalesce(l.is_product, true) and m.status = 'succeeded'
            and m.type in ('refund', 'refund_failure') and m.booked_on >= {{ since }}
    ) as in_core
union all
select
    'credit memos' as total,
    (
        select coalesce(sum(denominator), 0)
        from build.kpi_cells
        where kpi = 'refund_ratio' and basis = 'REFUND' and period_date >= {{ since }}
    ) as in_mart,
    (
        select coalesce(sum(reporting_amount), 0)
        from core.fct_credit_memo_component
        where is_product and posted_on >= {{ since }}
    ) as in_core
union all
select
    'open units' as total,
    (
        select coalesce(sum(numerator), 0)
        from build.kpi_cells
        where kpi like 'open_return_units.%' and basis = 'SNAPSHOT' and period_date >= {{ as_of }}
    ) as in_mart,
    (
        select coalesce(sum(open_quantity), 0)
        from core.fct_return_line
        where is_counted
            -- Statuses in which units may be open; of a night they are read by index.
            and (
                {{ is_full }}
                or status in (
                    'REQUESTED', 'APPROVED', 'IN_TRANSIT', 'PARTIALLY_RECEIVED', 'RECEIVED',
                    'INSPECTED', 'IN_PROCESS'
                )
            )
    ) as in_core
union all
select
    'returned stock' as total,
    (
        select coalesce(sum(denominator), 0)
        from build.kpi_cells
        where kpi = 'returned_stock_value' and basis = 'STOCK' and period_date >= {{ since }}
    ) as in_mart,
    (
        select coalesce(sum(quantity), 0)
        from core.snap_returned_stock
        where is_product and snapshot_date >= {{ since }}
    ) as in_core
