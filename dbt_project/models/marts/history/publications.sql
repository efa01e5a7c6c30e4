-- Grain: one row per publication. What readers may know of it; the rest stays in ops.
{{ config(
    materialized='view',
    meta={'publish_to': 'marts', 'primary_key': ['publication_id']},
) }}

select
    publications.publication_id,
    -- a backfilled night is shown as of the newest one
    coalesce(builds.business_date, publications.business_date) as business_date,
    publications.published_at,
    publications.code_version,
    publications.files
from {{ source('ops', 'publications') }} as publications
left join {{ source('ops', 'builds') }} as builds on publications.build_id = builds.build_id
