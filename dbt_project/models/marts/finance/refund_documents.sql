-- Grain: one row per row of a feed that a leg of the reconciliation is made of, down to its file and line.
-- Legs: E entitlement, M credit memos, P cash, G cash in the ledger; T refunds issued, GM memos in the
-- ledger. amount is as in the source; group_amount is in the currency of the group, at the day's rate,
-- of cash and its postings at the rate of the refund's first movement, of memos' postings at that of the memo. Adds
-- up within a leg and currency.
{{ config(
    materialized='incremental',
    incremental_strategy='replace_touched',
    on_schema_change='fail',
    meta={
        'replaces': 'refund_units', 'publish_to': 'finance', 'primary_key': ['document_key'],
    },
    indexes=[
        {'columns': ['unit_key']}, {'columns': ['group_key']}, {'columns': ['period', 'leg']},
        {'columns': ['effective_on']},
    ],
    post_hook="{{ partial_index(this, '(rate_on)', 'is_converted') }}",
) }}

with leg_rows as (
    select * from {{ ref('refund_leg_rows') }}
),

groups as (
    select * from {{ ref('dim_refund_group') }}
),

lineage as (
    select * from {{ ref('bridge_refund_lineage') }} where {{ in_refund_units() }}
),

rates as (
    select * from {{ ref('dim_exchange_rate') }}
),

first_movement as (
    select item, min(effective_on) as booked_on from leg_rows where leg in ('P', 'M') group by item
),

dated as (
    select
        leg_rows.*,
        groups.currency as group_currency,
        case when leg_rows.leg in ('P', 'G', 'GM') then coalesce(first_movement.booked_on, leg_rows.effective_on)
            else leg_rows.effective_on end as rate_on
    from leg_rows
    inner join groups on leg_rows.group_key = groups.group_key
    left join first_movement on leg_rows.item = first_movement.item
)

select
    dated.document_key,
    dated.group_key,
    dated.unit_key,
    dated.leg,
    dated.item,
    dated.document_type,
    dated.document_no,
    dated.component,
    dated.return_line_key,
    -- amounts
    cast(dated.amount as numeric(18, 2)) as amount,
    dated.currency,
    cast(
        case when dated.currency = dated.group_currency then dated.amount
            else round(dated.amount * source_rate.rate / group_rate.rate, 2) end as numeric(18, 2)
    ) as group_amount,
    dated.group_currency,
    dated.currency <> dated.group_currency as is_converted,
    -- timing
    dated.effective_on,
    dated.period,
    dated.rate_on,
    -- lineage
    lineage.file_id,
    lineage.line_no
from dated
left join lineage on dated.document_key = lineage.document_key
left join rates as source_rate
    on dated.currency = source_rate.currency
    and dated.rate_on >= source_rate.valid_from and dated.rate_on < source_rate.valid_to
left join rates as group_rate
    on dated.group_currency = group_rate.currency
    and dated.rate_on >= group_rate.valid_from and dated.rate_on < group_rate.valid_to
