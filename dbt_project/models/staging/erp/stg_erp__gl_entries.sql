{{ config(
    meta={
        'replaces': 'files', 'source': 'erp', 'feed': 'erp_gl_entries',
        'keys': ['journal_no', 'line_no'],
    },
    indexes=[
        {'columns': ['journal_no', 'line_no'], 'unique': true},
        {'columns': ['document_ref']},
        {'columns': ['posted_on']},
    ],
) }}
-- Grain: one row per journal line.

with winners as (
    {{ winners('erp', 'erp_gl_entries', ['journal_no', 'line_no']) }}
)

select
    journal_no,
    line_no,
    account,
    document_ref,
    -- amounts, debit +
    amount,
    currency,
    -- timing
    posted_on,
    fiscal_period,
    -- lineage
    _file_id,
    _line_no
from winners
