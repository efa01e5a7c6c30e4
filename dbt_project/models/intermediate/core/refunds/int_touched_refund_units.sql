{{ config(indexes=[{'columns': ['unit_key'], 'unique': true}]) }}
-- Grain: one row per unit whose match groups are computed anew: the touched units, what their documents
-- lead to now or led to in any version that raw keeps, groups whose state the passing of time changed,
-- groups whose rate changed, or that of cash in another currency, and what a journal posts in sum since, or no
-- longer. Closed over the groups as they were, so that a group is computed whole or not at all. Empty in a
-- full build.

-- depends_on: {{ ref('fct_refund_tender') }} {{ ref('fct_credit_memo_component') }}
-- depends_on: {{ ref('fct_settlement') }} {{ ref('fct_gl_line') }} {{ ref('int_touched_rates') }}
-- depends_on: {{ ref('bridge_posting_share') }}
{% if is_full_build() %}
select cast(null as text) as unit_key from {{ ref('int_touched_units') }} where false
{% else %}
with recursive touched as (
    select unit_key from {{ ref('int_touched_units') }}
),

refunds as (select substr(unit_key, 5) as refund_id from touched where unit_key like 'RFD:%'),

memos as (select substr(unit_key, 5) as memo_no from touched where unit_key like 'MEM:%'),

idempotency_keys as (
    select any_version.idempotency_key
    from refunds
    inner join {{ source('crm', 'crm_refunds') }} as any_version
        on refunds.refund_id = any_version.refund_id
    where any_version.idempotency_key is not null
),

reversed_memos as (
    select any_version.reverses_memo_no as memo_no
    from memos
    inner join {{ source('erp', 'erp_credit_memos') }} as any_version
        on memos.memo_no = any_version.memo_no
    where any_version.reverses_memo_no is not null
    union
    select memo_no from memos
),

-- What time changes: from the last build to this one, states begin and end, and documents that were known
-- ahead of their day come to count. Between the two dates also where the clock is turned back.
clock as (
    select
        least(business_date, {{ as_of_date() }}) as after_date,
        greatest(business_date, {{ as_of_date() }}) as upto_date
    from {{ source('ops', 'builds') }}
    where status = 'built'
    order by build_id desc
    limit 1
),

summed as (
    {%- set before = source('state_of_build', 'refund_summed_postings') %}
    (
        select * from {{ ref('bridge_posting_share') }}
        except
        select * from {{ before }}
    )
    union all
    (
        select * from {{ before }}
        except
        select * from {{ ref('bridge_posting_share') }}
    )
),

seeds as (
    select unit_key from touched
    union
    select unit_key from summed where unit_key is not null
    union
    select line_unit_key from summed
    union
    select tender.unit_key
    from idempotency_keys
    inner join {{ ref('fct_refund_tender') }} as tender
        on idempotency_keys.idempotency_key = tender.idempotency_key
    {%- for fact in ('fct_refund_tender', 'fct_settlement', 'fct_credit_memo_component') %}
    union
    select fact.unit_key from refunds inner join {{ ref(fact) }} as fact
        on refunds.refund_id = fact.refund_id
    {%- endfor %}
    {%- for column in ('memo_no', 'reverses_memo_no') %}
    union
    select memo.unit_key from reversed_memos inner join {{ ref('fct_credit_memo_component') }} as memo
        on reversed_memos.memo_no = memo.{{ column }}
    {%- endfor %}
    union
    select entry.unit_key
    from (
        select refund_id as document_no from refunds
        union
        select memo_no from memos
    ) as named
    inner join {{ ref('fct_gl_line') }} as entry on named.document_no = entry.document_ref
    {%- for table, day in [
        ('refund_states', 'valid_from'), ('refund_states', 'valid_to'), ('refund_documents', 'effective_on'),
    ] %}
    union
    select dated.unit_key from clock inner join {{ source('state_of_build', table) }} as dated
        on dated.{{ day }} > clock.after_date and dated.{{ day }} <= clock.upto_date
    {%- endfor %}
    union
    select document.unit_key
    from {{ ref('int_touched_rates') }} as rate
    inner join {{ source('state_of_build', 'refund_documents') }} as document
        on document.is_converted
        and rate.currency in (document.currency, document.group_currency)
        and rate.affected_from <= document.rate_on and rate.affected_to > document.rate_on
    union
    select groups.unit_key
    from {{ ref('int_touched_rates') }} as rate
    inner join {{ source('state_of_build', 'refund_group_rates') }} as groups
        on rate.currency = groups.currency
        and rate.affected_from <= groups.rate_on and rate.affected_to > groups.rate_on
),

closed as (
    select unit_key from seeds
    union
    select other.unit_key
    from closed
    inner join {{ source('state_of_core', 'bridge_refund_document') }} as own
        on closed.unit_key = own.unit_key
    inner join {{ source('state_of_core', 'bridge_refund_document') }} as other
        on own.group_key = other.group_key
)

select unit_key from closed
{% endif %}
