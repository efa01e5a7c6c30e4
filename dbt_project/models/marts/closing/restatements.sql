-- Grain: one row per closed period and document (of a leg), or gap and class of a group, whose cents are not
-- those that were reported with the close: why a period as restated differs from the period as reported.
-- Additive within a currency, a leg or gap, and one subject.
{{ config(
    materialized='view',
    meta={'publish_to': 'finance', 'primary_key': [
        'original_period', 'subject', 'group_key', 'leg', 'document_key', 'gap', 'class', 'entity',
        'currency', 'document_currency',
    ]},
) }}

{% set identity = [
    'original_period', 'subject', 'entity', 'currency', 'group_key', 'leg', 'document_key', 'gap', 'class',
    'document_currency',
] %}

with changes as (
    select
        {{ identity | join(', ') }},
        max(document_type) as document_type,
        max(document_no) as document_no,
        max(component) as component,
        coalesce(sum(amount) filter (where not is_adjustment), 0) as reported_amount,
        sum(amount) as restated_amount,
        coalesce(sum(amount) filter (where is_adjustment), 0) as difference,
        case when subject = 'document'
            then coalesce(sum(document_amount) filter (where not is_adjustment), 0)
        end as reported_document_amount,
        sum(document_amount) as restated_document_amount,
        bool_or(not is_adjustment) as was_reported,
        string_agg(distinct posted_period, ', ') filter (where is_adjustment) as posted_periods,
        max(array[file_id, line_no]) as last_place
    from {{ ref('period_postings') }}
    where is_frozen or is_adjustment
    group by {{ identity | join(', ') }}
    having sum(amount) filter (where is_adjustment) <> 0
        or sum(document_amount) filter (where is_adjustment) <> 0
),

-- What one level up has not changed has only moved: a document to another group, cents to another class
moves as (
    select
        changes.*,
        sum(difference) over (
            partition by original_period, subject, currency, coalesce(document_key, group_key), leg, gap
        ) = 0 as has_moved
    from changes
),

-- The publication with which a row became what it is, or went
document_versions as (
    select
        document_key,
        max(coalesce(to_publication, from_publication)) filter (where to_publication is not null) as gone,
        max(from_publication) filter (where to_publication is null) as came
    from {{ ref('refund_documents__history') }}
    where document_key in (select document_key from changes)
    group by document_key
),

gap_versions as (
    select
        group_key, gap, class, period,
        max(to_publication) as gone,
        max(from_publication) filter (where to_publication is null) as came
    from {{ ref('refund_gap_periods__history') }}
    where group_key in (select group_key from changes where subject = 'gap')
    group by group_key, gap, class, period
),

dated as (
    select
        moves.*,
        coalesce(
            document_versions.came, document_versions.gone, gap_versions.came, gap_versions.gone
        ) as publication_id
    from moves
    left join document_versions on moves.document_key = document_versions.document_key
    left join gap_versions
        on moves.subject = 'gap' and moves.group_key = gap_versions.group_key
        and moves.gap = gap_versions.gap and moves.class = gap_versions.class
        and moves.original_period = gap_versions.period
),

-- Files whose documents changed the group with that publication; for the rows of gaps
group_files as (
    select
        keys.publication_id, keys.group_key,
        string_agg(distinct files.name, ', ') as file_name,
        min(versions.file_id) as file_id,
        min(versions.line_no) as line_no,
        count(distinct versions.document_key) as documents
    from (select distinct publication_id, group_key from dated where subject = 'gap') as keys
    inner join {{ ref('refund_documents__history') }} as versions
        on keys.group_key = versions.group_key
        and keys.publication_id in (versions.from_publication, versions.to_publication)
    inner join {{ source('ops', 'file_ledger') }} as files on versions.file_id = files.file_id
    group by keys.publication_id, keys.group_key
)

select
    dated.original_period,
    dated.subject,
    dated.entity,
    dated.currency,
    dated.group_key,
    dated.leg,
    dated.document_key,
    dated.document_type,
    dated.document_no,
    dated.component,
    dated.gap,
    dated.class,
    -- amounts
    cast(dated.reported_amount as numeric(18, 2)) as reported_amount,
    cast(dated.restated_amount as numeric(18, 2)) as restated_amount,
    cast(dated.difference as numeric(18, 2)) as difference,
    dated.document_currency,
    cast(dated.reported_document_amount as numeric(18, 2)) as reported_document_amount,
    cast(dated.restated_document_amount as numeric(18, 2)) as restated_document_amount,
    -- reason
    case
        when dated.has_moved and dated.difference <> 0 then 'reclassified'
        when not dated.was_reported then 'new'
        when dated.restated_amount = 0 and coalesce(dated.restated_document_amount, 0) = 0 then 'withdrawn'
        else 'changed'
    end as kind,
    dated.posted_periods,
    dated.publication_id,
    publications.published_at,
    -- lineage
    coalesce(current_rows.file_id, dated.last_place[1], group_files.file_id) as file_id,
    coalesce(files.name, group_files.file_name) as file_name,
    coalesce(
        current_rows.line_no, dated.last_place[2],
        case when group_files.documents = 1 then group_files.line_no end
    ) as line_no
from dated
left join {{ ref('publications') }} as publications
    on dated.publication_id = publications.publication_id
left join {{ ref('refund_documents') }} as current_rows
    on dated.document_key = current_rows.document_key
left join {{ source('ops', 'file_ledger') }} as files
    on coalesce(current_rows.file_id, dated.last_place[1]) = files.file_id
left join group_files
    on dated.subject = 'gap' and dated.publication_id = group_files.publication_id
    and dated.group_key = group_files.group_key
