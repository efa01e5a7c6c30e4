-- Grain: one row per return line with money: what was credited, moved by the processor and refunded, in the
-- reporting currency, each at the rate of its day. Additive: everything. Not published; return_positions shows it.
{{ config(
    materialized='incremental',
    incremental_strategy='replace_touched',
    meta={'replaces': 'units'},
    indexes=[{'columns': ['unit_key']}, {'columns': ['return_line_key']}]
) }}

with movements as (

    select unit_key, return_line_key, reporting_amount as credited, 0 as settled, 0 as refunded
    from {{ ref('fct_credit_memo_component') }}
    where {{ in_touched_units('unit_key') }}
    union all
    select unit_key, return_line_key, 0 as credited, -reporting_gross_amount as settled, 0 as refunded
    from {{ ref('fct_settlement') }}
    where status = 'succeeded' and type in ('refund', 'refund_failure')
        and {{ in_touched_units('unit_key') }}
    union all
    select unit_key, return_line_key, 0 as credited, 0 as settled, reporting_amount as refunded
    from {{ ref('fct_refund_tender') }}
    where status = 'succeeded' and {{ in_touched_units('unit_key') }}

)

select
    unit_key,
    return_line_key,
    cast(sum(credited) as numeric(18, 2)) as credited_reporting,
    cast(sum(settled) as numeric(18, 2)) as settled_reporting,
    cast(sum(refunded) as numeric(18, 2)) as refunded_reporting
from movements
where return_line_key is not null
group by unit_key, return_line_key
