{%- set columns = ['country', 'segment', 'created_at', 'merged_into', 'marketing_consent'] -%}
{{ config(
    meta={
        'replaces': 'versions', 'source': 'crm', 'feed': 'crm_customers', 'key': 'customer_id',
        'columns': columns,
    },
    indexes=[
        {'columns': ['customer_id', 'valid_from'], 'unique': true},
        {'columns': ['merged_into']},
    ],
) }}
-- Grain: one row per customer (keyed hash) and version. Names and addresses never come here.

with versioned as (
    {{ versions('crm', 'crm_customers', 'customer_id', columns) }}
)

select
    customer_id,
    country,
    segment,
    created_at,
    merged_into,
    coalesce(marketing_consent, false) as has_marketing_consent,
    -- timing
    valid_from,
    valid_to,
    is_current,
    is_deleted,
    -- lineage
    _file_id,
    _line_no
from versioned
