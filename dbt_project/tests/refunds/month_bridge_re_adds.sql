-- A figure of the bridge and the lines after it are the next figure of its chain, in each period and currency.
{{ config(meta={'failure_means': 'Two figures of the refunds of a month differ by cents that no line names.'}) }}
with steps as (
    select
        *,
        count(*) filter (where line = 'figure') over by_position as figure_no,
        sum(amount) filter (where line = 'line') over by_position as lines_so_far
    from {{ ref('refund_month_bridge') }}
    window by_position as (partition by period, currency, chain order by position)
),

figures as (
    select
        period, currency, chain, name, amount,
        lag(amount) over by_position as amount_before,
        coalesce(lines_so_far, 0) - coalesce(lag(lines_so_far) over by_position, 0) as lines_between
    from steps
    where line = 'figure'
    window by_position as (partition by period, currency, chain order by position)
)

select period, currency, name, amount_before, lines_between, amount
from figures
-- without memos or cash no gap tells what lies between
where amount <> amount_before + lines_between
    and {{ 'true' if carries_leg('M') and carries_leg('P') else "chain = 'cash'" }}
