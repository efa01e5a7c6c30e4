-- asset: raw to staging
-- key: feed, key
-- A row at fault leads to its file and line.
{%- for feed in feeds %}
{%- if not loop.first %}
union all
{%- endif %}
select
    '{{ feed.name }}' as feed,
    {{ feed.key_text }} as key,
    r._file_id,
    r._line_no
from raw.{{ feed.name }} as r
where r._file_id in ({{ feed.files }})
    and not exists (
        select 1
        from {{ feed.staging }} as s
        where {{ feed.same }}
    )
{%- endfor %}
