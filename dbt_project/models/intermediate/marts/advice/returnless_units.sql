-- Grain: one row per SKU and category of goods whose way has ended, or that were left with the customer: units and
-- amounts of both. Not published.
{{ config(materialized='table') }}
{#- Ways of which no feed of the company tells what they bring. #}
{%- set untold = [
    '' if carries('erp_vendor_claims') else "'RTV'", '' if carries('erp_recovery_sales') else "'SECONDARY_SALE'",
] | select | list %}

-- A refund costs its fee whether the goods come back or not
with balances as (

    select return_line_key, sum(cost - payment_fee) as cost, sum(recovered) as recovered
    from {{ ref('return_line_balance') }}
    group by return_line_key

),

lines as (

    select
        lines.sku,
        lines.product_category,
        lines.is_returnless and lines.received_quantity = 0 as is_kept,
        case
            when lines.is_returnless and lines.received_quantity = 0 then lines.expected_quantity
            else lines.received_quantity
        end as units,
        lines.unit_cost * fx.rate as unit_cost,
        lines.line_net_reporting / nullif(lines.line_quantity, 0) as unit_price,
        coalesce(balances.cost, 0) as cost,
        coalesce(balances.recovered, 0) as recovered,
        lines.refunded_amount * refund_fx.rate as refunded
    from {{ ref('fct_return_line') }} as lines
    left join balances on lines.return_line_key = balances.return_line_key
    left join {{ ref('dim_exchange_rate') }} as fx
        on lines.cost_currency = fx.currency
        and lines.basis_on >= fx.valid_from and lines.basis_on < fx.valid_to
    left join {{ ref('dim_exchange_rate') }} as refund_fx
        on lines.currency = refund_fx.currency
        and lines.basis_on >= refund_fx.valid_from and lines.basis_on < refund_fx.valid_to
    where lines.is_counted and lines.is_product and lines.sku is not null
        and (
            (lines.is_returnless and lines.received_quantity = 0 and lines.expected_quantity > 0)
            or (lines.received_quantity > 0 and lines.disposed_quantity >= lines.received_quantity)
        )
        {%- if untold %}
        and not exists (
            select 1 from {{ ref('fct_disposition') }} as gone
            where lines.return_line_key = gone.return_line_key and gone.is_final and gone.net_quantity > 0
                and gone.disposition in ({{ untold | join(', ') }})
        )
        {%- endif %}

)

select
    sku,
    product_category,
    coalesce(sum(units) filter (where not is_kept), 0) as units,
    cast(sum(units * unit_cost) filter (where not is_kept) as numeric(18, 2)) as original_cost,
    coalesce(sum(cost) filter (where not is_kept), 0) as cost,
    coalesce(sum(recovered) filter (where not is_kept), 0) as recovered,
    coalesce(sum(recovered) filter (where not is_kept and unit_cost is not null), 0) as recovered_of_cost,
    coalesce(sum(units) filter (where is_kept), 0) as kept_units,
    cast(coalesce(sum(refunded) filter (where is_kept), 0) as numeric(18, 2)) as kept_refunded,
    coalesce(sum(cost) filter (where is_kept), 0) as kept_cost,
    cast(
        sum(units * unit_cost) / nullif(sum(units) filter (where unit_cost is not null), 0) as numeric(38, 6)
    ) as unit_cost,
    cast(
        sum(units * unit_price) / nullif(sum(units) filter (where unit_price is not null), 0) as numeric(38, 6)
    ) as unit_price
from lines
group by sku, product_category
