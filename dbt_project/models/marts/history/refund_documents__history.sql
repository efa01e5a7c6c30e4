-- Grain: one row per document and publication with which a version of it began.
-- Filled by the publisher; see macro history_of.
{{ config(
    materialized='view',
    meta={
        'publish_to': 'finance', 'history_of': 'refund_documents',
        'primary_key': ['document_key', 'from_publication'],
    },
) }}

{{ history_of('refund_documents') }}
