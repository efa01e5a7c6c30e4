-- Grain: one row per match group: its legs, its gaps, the classes that explain them, on what evidence its
-- documents belong together, and how long it has been open. Amounts are in the row's currency; additive
-- within a currency only, those in the reporting currency over all; null where the company lacks a leg's feed. Rows
-- of untouched groups that agree stay as they were, so there is no column for the night that wrote them.
{{ config(
    materialized='incremental',
    incremental_strategy='replace_touched',
    on_schema_change='fail',
    meta={'replaces': 'refund_groups', 'publish_to': 'finance', 'primary_key': ['group_key']},
    indexes=[
        {'columns': ['unit_key']}, {'columns': ['order_no']}, {'columns': ['pattern']},
        {'columns': ['currency', 'is_reconciled']}, {'columns': ['period']},
    ],
) }}

{%- set legs = [
    (amount_of(['E'], 'groups.entitled_amount'), 'entitled_reporting'),
    (amount_of(['M'], 'groups.credited_amount'), 'credited_reporting'),
    (amount_of(['P'], 'groups.paid_amount'), 'paid_reporting'),
    (amount_of(['G'], 'groups.posted_amount'), 'posted_reporting'),
    (amount_of(['T'], 'groups.issued_amount'), 'issued_reporting'),
    (amount_of(['GM'], 'groups.posted_memo_amount'), 'posted_memo_reporting'),
] %}

with open_groups as (
    select * from {{ ref('refund_open_groups') }}
),

groups as (
    {% if is_full_build() %}
    select * from {{ ref('refund_groups') }}
    {% else %}
    select * from {{ ref('refund_groups') }} where {{ in_refund_units() }}
    union
    select * from {{ ref('refund_groups') }}
    where group_key in (select group_key from open_groups)
    {% endif %}
)

select
    groups.unit_key,
    groups.group_key,
    groups.return_line_key,
    groups.refund_id,
    groups.memo_no,
    groups.order_no,
    groups.order_line_no,
    groups.rma_no,
    groups.request_id,
    groups.channel,
    groups.product_category,
    groups.ship_from_site,
    groups.resolution,
    -- structure
    groups.pattern,
    groups.pattern_name,
    cast(nullif('{{ legs_not_carried() }}', '') as text) as legs_not_carried,
    -- legs
    groups.currency,
    {{ amount_of(['E'], 'groups.entitled_amount') }} as entitled_amount,
    {{ amount_of(['M'], 'groups.credited_amount') }} as credited_amount,
    {{ amount_of(['P'], 'groups.paid_amount') }} as paid_amount,
    {{ amount_of(['G'], 'groups.posted_amount') }} as posted_amount,
    {{ amount_of(['T'], 'groups.issued_amount') }} as issued_amount,
    {{ amount_of(['GM'], 'groups.posted_memo_amount') }} as posted_memo_amount,
    -- goods sent instead, where they are dearer or cheaper
    {{ amount_of(['E'], 'groups.exchange_balance_amount') }} as exchange_balance_amount,
    -- gaps
    {{ amount_of(['E', 'M'], 'groups.entitled_amount - groups.credited_amount') }}
        as entitlement_gap,
    {{ amount_of(['M', 'P'], 'groups.credited_amount - groups.paid_amount') }}
        as cash_gap,
    {{ amount_of(['P', 'G'], 'groups.paid_amount - groups.posted_amount') }}
        as ledger_gap,
    {{ amount_of(['M', 'T'], 'groups.credited_amount - groups.issued_amount') }}
        as issue_gap,
    {{ amount_of(['M', 'GM'], 'groups.credited_amount - groups.posted_memo_amount') }}
        as memo_ledger_gap,
    -- legs and gaps in the reporting currency, all at the rate of the group's first document
    rates.rate_on,
    cast(rates.rate as numeric(20, 8)) as reporting_rate,
    {{ beside_in_reporting(legs + [
        (amount_of(['E'], 'groups.exchange_balance_amount'), 'exchange_balance_reporting'),
        ('coalesce(open_groups.chain_unexplained_amount, 0)', 'chain_unexplained_reporting'),
    ], 'rates.rate') }},
    {%- for (left, right, name) in [
        (0, 1, 'entitlement'), (1, 2, 'cash'), (2, 3, 'ledger'), (1, 4, 'issue'), (1, 5, 'memo_ledger'),
    ] %}
    cast(
        {{ to_reporting(legs[left][0], 'rates.rate') }} - {{ to_reporting(legs[right][0], 'rates.rate') }}
        as numeric(18, 2)
    ) as {{ name }}_gap_reporting,
    {%- endfor %}
    -- classes
    open_groups.entitlement_classes,
    open_groups.cash_classes,
    open_groups.ledger_classes,
    open_groups.issue_classes,
    open_groups.memo_ledger_classes,
    cast(coalesce(open_groups.chain_unexplained_amount, 0) as numeric(18, 2)) as chain_unexplained_amount,
    open_groups.group_key is null as is_reconciled,
    -- match evidence
    groups.return_lines,
    groups.refunds,
    groups.memos,
    groups.settlements,
    groups.journal_lines,
    groups.weakest_match_rule,
    cast(groups.match_confidence as numeric(3, 2)) as match_confidence,
    groups.open_between,
    -- timing
    groups.entitled_on,
    groups.credited_on,
    groups.paid_on,
    groups.posted_on,
    groups.issued_on,
    groups.period,
    open_groups.open_since,
    {{ as_of_date() }} - open_groups.open_since as age_days,
    {{ age_bucket('open_groups.open_since') }} as age_bucket
from groups
left join open_groups on groups.group_key = open_groups.group_key
left join {{ ref('refund_group_rates') }} as rates on groups.group_key = rates.group_key
