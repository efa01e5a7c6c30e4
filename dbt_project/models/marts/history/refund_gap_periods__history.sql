-- Grain: one row per group, gap, class, period and publication with which a version of it began.
-- Filled by the publisher; see macro history_of.
{{ config(
    materialized='view',
    meta={
        'publish_to': 'finance', 'history_of': 'refund_gap_periods',
        'primary_key': ['group_key', 'gap', 'class', 'period', 'from_publication'],
    },
) }}

{{ history_of('refund_gap_periods') }}
