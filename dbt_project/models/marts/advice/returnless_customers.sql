-- Grain: one row per customer (keyed hash, merges followed) who was refunded and let keep the goods: how often,
-- what it came to, and what they asked for afterwards. Who claims again and again shows; why, it does not say.
-- Additive over customers: counts, units and amounts.
{{ config(materialized='table', indexes=[{'columns': ['is_serial']}]) }}

with survivors as (

    select customer_id, survivor_customer_id
    from {{ ref('dim_customer') }}
    where is_current

),

lines as (

    select
        coalesce(survivors.survivor_customer_id, lines.customer_id) as customer_id,
        lines.is_returnless and lines.received_quantity = 0 as is_kept,
        lines.basis_on,
        lines.expected_quantity as units,
        {{ to_reporting('lines.refunded_amount', 'fx.rate') }} as refunded,
        -- without the tax in it, as sales are told
        {{ to_reporting(
            'lines.refunded_amount * coalesce('
            ~ 'lines.line_net_amount / nullif(lines.line_net_amount + lines.line_tax_amount, 0), 1)', 'fx.rate'
        ) }} as refunded_net
    from {{ ref('fct_return_line') }} as lines
    left join survivors on lines.customer_id = survivors.customer_id
    left join {{ ref('dim_exchange_rate') }} as fx
        on lines.currency = fx.currency and lines.basis_on >= fx.valid_from and lines.basis_on < fx.valid_to
    where lines.is_counted and lines.is_product and lines.customer_id is not null

),

let_keep as (

    select customer_id, min(basis_on) as first_kept_on
    from lines
    where is_kept
    group by customer_id

)

select
    let_keep.customer_id,
    let_keep.first_kept_on,
    max(lines.basis_on) filter (where lines.is_kept) as last_kept_on,
    count(*) filter (where lines.is_kept) as kept_lines,
    cast(sum(lines.units) filter (where lines.is_kept) as bigint) as kept_units,
    cast(coalesce(sum(lines.refunded) filter (where lines.is_kept), 0) as numeric(18, 2)) as kept_refunded,
    cast(coalesce(sum(lines.refunded_net) filter (where lines.is_kept), 0) as numeric(18, 2)) as kept_refunded_net,
    count(*) as return_lines,
    count(*) filter (where lines.basis_on > let_keep.first_kept_on) as return_lines_after,
    count(*) filter (where lines.is_kept and lines.basis_on > let_keep.first_kept_on) as kept_lines_after,
    count(*) filter (where lines.is_kept) >= {{ var('serial_claims', 3) }} as is_serial,
    cast('{{ var("reporting_currency") }}' as text) as currency
from let_keep
inner join lines on let_keep.customer_id = lines.customer_id
group by let_keep.customer_id, let_keep.first_kept_on
