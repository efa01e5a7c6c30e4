{{ config(
    meta={
        'replaces': 'files', 'source': 'erp', 'feed': 'erp_fx_rates',
        'keys': ['rate_date', 'from_currency', 'to_currency'],
    },
    indexes=[{'columns': ['rate_date', 'from_currency', 'to_currency'], 'unique': true}],
) }}
-- Grain: one row per day and currency pair that has a rate.

with winners as (
    {{ winners('erp', 'erp_fx_rates', ['rate_date', 'from_currency', 'to_currency']) }}
)

select
    rate_date,
    from_currency,
    to_currency,
    rate,
    -- lineage
    _file_id,
    _line_no
from winners
