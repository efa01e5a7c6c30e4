-- Grain: one row per publication. What readers may know of it; the rest stays in ops. One that brought finance
-- alone shows the night at which marts stood.
{{ config(
    materialized='view',
    meta={'publish_to': 'marts', 'primary_key': ['publication_id']},
) }}

select
    publications.publication_id,
    -- a backfilled night is shown as of the newest one
    marts_night.as_of as business_date,
    publications.published_at,
    publications.code_version,
    publications.files,
    publications.domains,
    finance_night.as_of as finance_business_date
from {{ source('ops', 'publications') }} as publications
left join {{ source('ops', 'shown') }} as marts_night
    on publications.publication_id = marts_night.publication_id and marts_night.domain = 'marts'
left join {{ source('ops', 'shown') }} as finance_night
    on publications.publication_id = finance_night.publication_id and finance_night.domain = 'finance'
