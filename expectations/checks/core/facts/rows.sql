-- asset: staging to core
-- key: fact, key, measure, staged, in_core
-- The measures of the night's rows as they were staged and as they are in core, where they
-- differ.
{%- for fact in facts %}
{%- if not loop.first %}
union all
{%- endif %}
select
    '{{ fact.feed }}' as feed,
    '{{ fact.name }}' as fact,
    {{ fact.key_text }} as key,
    '{{ fact.measure }}' as measure,
    s.{{ fact.measure }}::numeric as staged,
    c.{{ fact.measure }}::numeric as in_core,
    s._file_id,
    s._line_no
from {{ fact.staging }} as s
left join core.{{ fact.name }} as c
    on {{ fact.same }}
where s._file_id in ({{ fact.files }})
    and (
        c.{{ fact.first_key }} is null
        or c.{{ fact.measure }} is distinct from s.{{ fact.measure }}
    )
{%- endfor %}
