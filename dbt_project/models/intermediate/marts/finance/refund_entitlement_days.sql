-- Grain: one row per match group, return line and day: what its units accepted so far entitle to, and
-- what they are worth where goods make it good. Not published.
{{ config(materialized='table', indexes=[{'columns': ['group_key', 'day', 'line']}]) }}

with days as (
    select * from {{ ref('refund_days') }}
),

acceptances as (
    select bridge.group_key, fact.*
    from {{ ref('bridge_refund_document') }} as bridge
    inner join {{ ref('fct_refund_entitlement') }} as fact
        on bridge.document_type = 'return_line' and bridge.document_no = fact.return_line_key
    where {{ in_refund_units('bridge.unit_key') }}
)

select
    days.group_key,
    days.day,
    acceptances.return_line_key as line,
    bool_or(acceptances.is_in_kind) as is_in_kind,
    max(acceptances.accepted_on) as entitled_on,
    -- units
    min(acceptances.units_before) as units_before,
    sum(acceptances.units_upto - acceptances.units_before) as units,
    min(acceptances.line_quantity) as line_quantity,
    -- what the line is worth
    min(acceptances.merchandise_basis) as merchandise_basis,
    min(acceptances.tax_basis) as tax_basis,
    min(acceptances.shipping_basis) as shipping_basis,
    min(acceptances.fee_pct) as fee_pct,
    min(acceptances.label_fee) as label_fee,
    -- what the units are worth
    sum(acceptances.merchandise_amount) as merchandise,
    sum(acceptances.tax_amount) as tax,
    sum(acceptances.shipping_amount) as shipping,
    sum(acceptances.restocking_fee_amount) as restocking_fee,
    sum(acceptances.label_fee_amount) as return_label_fee,
    sum(acceptances.value_amount) as value_amount,
    sum(acceptances.entitled_amount) as entitled_amount,
    sum(acceptances.balance_amount) as balance_amount
from days
inner join acceptances
    on days.group_key = acceptances.group_key and days.day >= acceptances.accepted_on
group by days.group_key, days.day, acceptances.return_line_key
