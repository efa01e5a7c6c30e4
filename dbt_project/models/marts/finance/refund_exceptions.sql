-- Grain: one row per match group, gap and class that has cents, or had until lately (status cleared, amount
-- 0): how old, whose, and what to do. Amounts are in the row's currency; additive within a gap and currency.
-- A view, since every item is a day older every night and nothing else changes.
{{ config(materialized='view') }}

select
    {%- for column in [
        'group_key', 'gap', 'class', 'is_chain', 'return_line_key', 'refund_id', 'memo_no', 'order_no', 'order_line_no',
        'rma_no', 'pattern', 'pattern_name', 'amount', 'last_amount', 'open_amount', 'gross_amount', 'currency',
        'reporting_amount', 'last_reporting', 'open_reporting', 'gross_reporting', 'period', 'open_since',
    ] %}
    items.{{ column }},
    {%- endfor %}
    case when items.last_seen_on is null then publication.business_date - items.open_since end as age_days,
    case when items.last_seen_on is null then {{ age_bucket('items.open_since', 'publication.business_date') }} end
        as age_bucket,
    items.first_seen_on,
    coalesce(items.last_seen_on, publication.business_date) as last_seen_on,
    items.status,
    items.owner,
    items.next_action,
    publication.business_date
from {{ ref('refund_exception_items') }} as items
cross join {{ ref('finance_publication') }} as publication
