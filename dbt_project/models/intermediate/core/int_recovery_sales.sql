-- Grain: one row per sale of returned goods of the touched units.

with candidates as (
    {{ working_set(ref('stg_erp__recovery_sales'), [
        'disposition_id in (select disposition_id from ' ~ ref('int_dispositions') ~ ')',
        'disposition_id in (' ~ lone_units('DSP:') ~ ')',
    ]) }}
),

placed as (
    select
        candidates.*,
        coalesce(dispositions.unit_key, 'DSP:' || candidates.disposition_id) as unit_key,
        dispositions.return_line_key,
        dispositions.receipt_id,
        dispositions.site
    from candidates
    left join {{ ref('int_dispositions') }} as dispositions
        on candidates.disposition_id = dispositions.disposition_id
)

select
    unit_key,
    return_line_key,
    recovery_id,
    disposition_id,
    receipt_id,
    recovery_channel,
    quantity,
    gross_proceeds,
    fees,
    currency,
    sold_on,
    site
from placed
where {{ in_touched_units('unit_key') }}
