-- Grain: one row per publication and file that came since the publication before.
{{ config(
    materialized='view',
    meta={'publish_to': 'marts', 'primary_key': ['publication_id', 'file_id']},
) }}

select
    publications.publication_id,
    files.file_id,
    files.feed,
    files.name,
    files.sha256
from {{ ref('publications') }} as publications
cross join lateral
    jsonb_to_recordset(publications.files) as files (file_id bigint, feed text, name text, sha256 text)
