-- Grain: one row per month up to the date: the units that at most one of a thousand sales lines before the month
-- exceeded (of the first month: of its own). One order of thousands that is taken back tells nothing of the
-- others: what is learnt of a line counts no more of its units than that.
with counts as (
    select
        date_trunc('month', shipped_on)::date as month,
        shipped_quantity as units,
        count(*) as lines
    from core.fct_sales_line
    where is_product and shipped_quantity > 0 and shipped_on <= %(as_of)s
    group by date_trunc('month', shipped_on)::date, shipped_quantity
),

months as (
    select
        generate_series(min(month), date_trunc('month', %(as_of)s::timestamp)::date, interval '1 month')::date as month,
        min(month) as first_month
    from counts
),

known as (
    select months.month, counts.units, sum(counts.lines) as lines
    from months
    inner join counts
        on months.month > counts.month or (months.month = months.first_month and months.month = counts.month)
    group by months.month, counts.units
),

ranked as (
    select
        month,
        units,
        sum(lines) over (partition by month order by units) as up_to_it,
        sum(lines) over (partition by month) as all_lines
    from known
)

select month, min(units) filter (where up_to_it >= 0.999 * all_lines) as most_units
from ranked
group by month
order by month
