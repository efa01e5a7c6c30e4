-- Grain: one row per fiscal period, match group, gap and class that had cents at the end of the period, or has them at
-- the business date: what the roll-forward closes with, item by item, however it has fared since.
-- Additive within a gap and currency, and never over periods. A view, since the period that is not over yet ends
-- with another day every night.
{{ config(materialized='view') }}

select
    {%- for column in [
        'period', 'group_key', 'gap', 'class', 'is_chain', 'return_line_key', 'refund_id', 'memo_no', 'order_no',
        'rma_no', 'entity', 'amount', 'currency', 'reporting_amount',
    ] %}
    items.{{ column }},
    {%- endfor %}
    least(items.period_ends_on, publication.business_date) as last_day,
    items.open_since,
    items.first_seen_on,
    items.changed_on
from {{ ref('refund_closing_items') }} as items
cross join {{ ref('finance_publication') }} as publication
