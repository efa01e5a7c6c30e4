{{ config(
    meta={'replaces': 'entity', 'entity': 'erp_vendors.vendor_id', 'key': 'vendor_id'},
    indexes=[
        {'columns': ['vendor_key'], 'unique': true},
        {'columns': ['vendor_id', 'valid_from']},
    ],
) }}
-- depends_on: {{ ref('int_touched_keys') }}
-- Grain: one row per vendor and version (type 2), with the terms under which goods may go back.
-- Members of their own stand for goods without a vendor ('UNKNOWN'), rows that can have none
-- ('NOT_APPLICABLE'), and vendors that no vendor file has shown yet ('LATE_ARRIVING').

with vendors as (
    select * from {{ ref('stg_erp__vendors') }}
    {% if is_incremental() -%}
    where vendor_id in (
        select entity_key from {{ ref('int_touched_keys') }} where entity = 'erp_vendors.vendor_id'
    )
    {%- endif %}
),

final as (
    select
        vendor_id || '@' || to_char(valid_from, 'YYYY-MM-DD') as vendor_key,
        vendor_id,
        valid_from,
        valid_to,
        is_current,
        is_deleted,
        false as is_unknown,
        name,
        country,
        rtv_window_days,
        rtv_recovery_pct
    from vendors
    {% if not is_incremental() -%}
    union all
    select
        member as vendor_key,
        member as vendor_id,
        cast('1900-01-01' as date) as valid_from,
        cast('9999-12-31' as date) as valid_to,
        true as is_current,
        false as is_deleted,
        true as is_unknown,
        label as name,
        null as country,
        null as rtv_window_days,
        cast(null as numeric(20, 8)) as rtv_recovery_pct
    from ({{ unknown_members('vendor', 'vendor file') }}) as members (member, label)
    {%- endif %}
)

select * from final
