{{ config(
    meta={
        'replaces': 'files', 'source': 'erp', 'feed': 'erp_recovery_sales', 'keys': ['recovery_id'],
    },
    indexes=[
        {'columns': ['recovery_id'], 'unique': true},
        {'columns': ['disposition_id']},
        {'columns': ['sold_on']},
    ],
) }}
-- Grain: one row per sale of returned goods.

with winners as (
    {{ winners('erp', 'erp_recovery_sales', ['recovery_id']) }}
)

select
    recovery_id,
    disposition_id,
    sku,
    serial_no,
    upper(channel) as recovery_channel,
    -- amounts
    quantity,
    gross_proceeds,
    coalesce(fees, 0) as fees,
    currency,
    -- timing
    sold_at,
    {{ business_day('sold_at') }} as sold_on,
    -- lineage
    _file_id,
    _line_no
from winners
