{{ config(
    meta={'replaces': 'entity', 'entity': 'crm_customers.customer_id', 'key': 'customer_id'},
    indexes=[
        {'columns': ['customer_key'], 'unique': true},
        {'columns': ['customer_id', 'valid_from']},
        {'columns': ['survivor_customer_id']},
    ],
) }}
-- depends_on: {{ ref('int_touched_keys') }}
-- Grain: one row per customer (keyed hash) and version (type 2), merges followed to their end in
-- survivor_customer_id, which is as of today on every version. Members of their own stand for rows
-- that name no customer ('UNKNOWN'), can have none ('NOT_APPLICABLE'), or name one that no customer
-- file has shown yet ('LATE_ARRIVING').

with customers as (
    select * from {{ ref('stg_crm__customers') }}
    {% if is_incremental() -%}
    where customer_id in (
        select entity_key from {{ ref('int_touched_keys') }} where entity = 'crm_customers.customer_id'
    )
    {%- endif %}
),

survivors as (
    select * from {{ ref('int_customer_survivors') }}
),

final as (
    select
        customers.customer_id || '@' || to_char(customers.valid_from, 'YYYY-MM-DD')
            as customer_key,
        customers.customer_id,
        coalesce(survivors.survivor_customer_id, customers.customer_id) as survivor_customer_id,
        survivors.survivor_customer_id is not null as is_merged,
        customers.valid_from,
        customers.valid_to,
        customers.is_current,
        customers.is_deleted,
        false as is_unknown,
        customers.country,
        customers.segment,
        customers.created_at,
        customers.merged_into,
        customers.has_marketing_consent
    from customers
    left join survivors on customers.customer_id = survivors.customer_id
    {% if not is_incremental() -%}
    union all
    select
        member as customer_key,
        member as customer_id,
        member as survivor_customer_id,
        false as is_merged,
        cast('1900-01-01' as date) as valid_from,
        cast('9999-12-31' as date) as valid_to,
        true as is_current,
        false as is_deleted,
        true as is_unknown,
        null as country,
        null as segment,
        null as created_at,
        null as merged_into,
        false as has_marketing_consent
    from ({{ unknown_members('customer', 'customer file') }}) as members (member, label)
    {%- endif %}
)

select * from final
