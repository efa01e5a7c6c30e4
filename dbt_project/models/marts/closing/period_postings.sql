-- Grain: one row per period that cents are reported in, period that they belong to, and document (of a leg)
-- or gap and class of a group. Rows of an open period stand in it; what has changed since in a closed
-- one stands in the first open one as the difference. Closing freezes the rows of that period.
-- So, whatever is closed: the rows of an original period add up to what the reconciliation says now.
-- Additive within a currency, a leg or gap, and one subject.
{{ config(
    materialized='view',
    meta={'publish_to': 'finance', 'primary_key': [
        'posted_period', 'original_period', 'act_id', 'subject', 'item_key', 'leg', 'group_key', 'entity',
        'currency', 'document_currency',
    ]},
) }}

{% set identity = [
    'original_period', 'subject', 'item_key', 'entity', 'currency', 'group_key', 'leg', 'document_key', 'gap',
    'class', 'document_currency',
] %}
{% set shown = ['document_type', 'document_no', 'component'] %}

with frozen as (
    select postings.*
    from {{ source('ops', 'frozen_postings') }} as postings
    inner join {{ ref('period_acts') }} as acts
        on postings.act_id = acts.act_id and acts.is_in_force
),

closed as (
    select coalesce(max(period), '') as closed_through from {{ ref('period_acts') }} where is_in_force
),

documents as not materialized (
    select
        documents.period as original_period, 'document' as subject, documents.document_key as item_key,
        groups.ship_from_site as entity, documents.group_currency as currency, documents.group_key,
        documents.leg, documents.document_key, cast(null as text) as gap, cast(null as text) as class,
        documents.currency as document_currency,
        documents.document_type, documents.document_no, documents.component,
        documents.group_amount as amount, documents.amount as document_amount,
        documents.file_id, documents.line_no
    from {{ ref('refund_documents') }} as documents
    inner join {{ ref('refund_reconciliation') }} as groups on documents.group_key = groups.group_key
    cross join {{ ref('finance_publication') }} as publication
    where documents.effective_on <= publication.business_date
),

gaps as not materialized (
    select
        period as original_period, 'gap' as subject, gap || ' ' || class as item_key, entity, currency,
        group_key, cast(null as text) as leg, cast(null as text) as document_key, gap, class,
        cast(null as text) as document_currency,
        cast(null as text) as document_type, cast(null as text) as document_no,
        cast(null as text) as component,
        amount, cast(null as numeric) as document_amount,
        cast(null as bigint) as file_id, cast(null as bigint) as line_no
    from {{ ref('refund_gap_periods') }}
),

now as not materialized (
    select * from documents
    union all
    select * from gaps
),

-- Of a period of which nothing is frozen, every row is still to be reported, as it stands.
frozen_periods as (
    select distinct original_period from frozen
),

sides as (
    select 1 as sign, now.* from now
    where now.original_period in (select frozen_periods.original_period from frozen_periods)
    union all
    select -1 as sign, {{ (identity + shown) | join(', ') }}, amount, document_amount, file_id, line_no
    from frozen
),

-- What is not reported yet. Whether only its file is another one does not matter.
differences as not materialized (
    select
        {{ (identity + shown) | join(', ') }}, amount, document_amount, array[file_id, line_no] as place
    from now
    where not exists (select 1 from frozen_periods where frozen_periods.original_period = now.original_period)
        and (amount <> 0 or document_amount <> 0)
    union all
    select
        {{ identity | join(', ') }},
        {%- for column in shown %}
        max({{ column }}) as {{ column }},
        {%- endfor %}
        sum(sign * amount) as amount,
        sum(sign * document_amount) as document_amount,
        coalesce(
            max(array[file_id, line_no]) filter (where sign = 1), max(array[file_id, line_no])
        ) as place
    from sides
    group by {{ identity | join(', ') }}
    having sum(sign * amount) <> 0 or sum(sign * document_amount) <> 0
),

periods as (
    select distinct {{ fiscal_period('date_day') }} as period from {{ ref('calendar') }}
),

-- The first open period of the calendar that is not before its own: a 13th goes to the next year's first.
places as (
    select differences.original_period, closed.closed_through, min(periods.period) as posted_period
    from (
        select original_period from frozen_periods
        union
        select period as original_period from {{ ref('refund_documents') }}
        union
        select period as original_period from {{ ref('refund_gap_periods') }}
    ) as differences
    cross join closed
    left join periods
        on differences.original_period <= periods.period and closed.closed_through < periods.period
    group by differences.original_period, closed.closed_through
)

select
    posted_period, original_period, true as is_frozen, is_adjustment, act_id, subject, item_key, entity,
    currency, group_key, leg, document_key, document_type, document_no, component, gap, class,
    amount, document_currency, document_amount, file_id, line_no
from frozen
union all
select
    coalesce(places.posted_period, differences.original_period) as posted_period,
    differences.original_period,
    false as is_frozen,
    differences.original_period <= places.closed_through as is_adjustment,
    cast(null as bigint) as act_id,
    differences.subject,
    differences.item_key,
    differences.entity,
    differences.currency,
    differences.group_key,
    differences.leg,
    differences.document_key,
    differences.document_type,
    differences.document_no,
    differences.component,
    differences.gap,
    differences.class,
    cast(differences.amount as numeric(18, 2)) as amount,
    differences.document_currency,
    cast(differences.document_amount as numeric(18, 2)) as document_amount,
    differences.place[1] as file_id,
    differences.place[2] as line_no
from differences
inner join places on differences.original_period = places.original_period
