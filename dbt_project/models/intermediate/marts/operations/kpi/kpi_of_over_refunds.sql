-- Grain: one row per match group of the refund reconciliation in which cash moved, on the day of its last
-- payment (basis REFUND). Additive: both amounts, in the reporting currency at that day's rate. It goes by the
-- documents, so that no KPI waits for the reconciliation of them.
{{ config(meta={'replaces': 'refund_units'}) }}

with documents as (

    select * from {{ ref('refund_documents') }}
    where leg in ('E', 'P') and effective_on <= {{ as_of_date() }} and {{ in_refund_units() }}

),

-- In each currency of the source, so that an exchange rate leaves no trace of cash that went back
moved as (

    select group_key
    from documents
    where leg = 'P'
    group by group_key, currency
    having sum(amount) <> 0

),

sums as (

    select
        group_key,
        sum(group_amount) filter (where leg = 'P') as paid_amount,
        coalesce(sum(group_amount) filter (where leg = 'E'), 0) as entitled_amount,
        max(effective_on) filter (where leg = 'P') as paid_on
    from documents
    where group_key in (select moved.group_key from moved)
    group by group_key

),

groups as (

    select
        dim.unit_key,
        dim.group_key,
        dim.return_line_key,
        dim.channel,
        dim.product_category,
        dim.ship_from_site,
        dim.currency,
        sums.paid_amount,
        sums.entitled_amount,
        sums.paid_on
    from sums
    inner join {{ ref('dim_refund_group') }} as dim on sums.group_key = dim.group_key

),

lines as (

    select
        return_line_key,
        is_product,
        -- the entitlement grows with the goods that come
        {{ mature_on_where(
            'is_counted and not is_returnless and received_quantity < expected_quantity', return_due_on('line')
        ) }} as mature_on
    from {{ ref('fct_return_line') }} as line

),

rates as (

    select * from {{ ref('dim_exchange_rate') }}

)

select
    groups.unit_key,
    groups.group_key,
    groups.paid_on as period_date,
    groups.channel,
    groups.product_category,
    groups.ship_from_site as site,
    coalesce(lines.mature_on, {{ always_mature() }}) as mature_on,
    {{ to_reporting('greatest(groups.paid_amount - greatest(groups.entitled_amount, 0), 0)', 'rates.rate') }}
        as over_refunded_amount,
    {{ to_reporting('groups.paid_amount', 'rates.rate') }} as paid_amount
from groups
left join lines on groups.return_line_key = lines.return_line_key
left join rates
    on groups.currency = rates.currency
    and groups.paid_on >= rates.valid_from
    and groups.paid_on < rates.valid_to
where coalesce(lines.is_product, true)
