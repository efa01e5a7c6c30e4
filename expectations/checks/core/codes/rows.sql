-- asset: codes
-- key: what, code, rows, unmapped_of_kind, of_rows
-- Codes of the sources that no crosswalk knows, one row a code: their rows stand apart from all
-- that reports go by. The message writes the lines to add to the company's files.
{%- for kind in kinds %}
{%- if not loop.first %}
union all
{%- endif %}
select *
from (
    select
        '{{ kind.what }}' as what,
        c.code,
        c.rows,
        c.is_unmapped,
        sum(c.rows) filter (where c.is_unmapped) over () as unmapped_of_kind,
        sum(c.rows) over () as of_rows,
        sum(c.rows) filter (where c.is_unmapped) over () / sum(c.rows) over () as share,
        {{ kind.add_to }} as add_to,
        {{ kind.header }} as header,
        c.line
    from (
        select
            t.{{ kind.code }} as code,
            {%- if kind.canonical %}
            t.{{ kind.mapped }} = 'UNMAPPED' as is_unmapped,
            {%- else %}
            not exists (
                select 1
                from core.sites as s
                where s.site = t.{{ kind.code }}
            ) as is_unmapped,
            {%- endif %}
            count(*) as rows,
            -- The line of the company's file that maps the code, written as CSV writes it.
            max(
                {{ kind.system }} || case
                    when t.{{ kind.code }} ~ '[,"]'
                        then '"' || replace(t.{{ kind.code }}, '"', '""') || '"'
                    else t.{{ kind.code }}
                end
                {%- if kind.canonical %}
                -- The canonical code that this is but for its spelling; else what to fill in.
                || ',' || coalesce(
                    (
                        select {{ kind.found }}
                        from core.{{ kind.canonical }}s as m
                        where
                            m.{{ kind.canonical }}
                            = trim(
                                '_' from
                                regexp_replace(upper(t.{{ kind.code }}), '[^A-Z0-9]+', '_', 'g')
                            )
                        order by m.{{ kind.canonical }}
                        limit 1
                    ),
                    '{{ kind.asked }}'
                )
                || ',1900-01-01,9999-12-31'
                {%- else %}
                || ',<name>,<country>,' || {{ kind.zone }} || ',<currency>'
                {%- endif %}
            ) as line
        from {{ kind.staging }} as t
        where t._file_id in ({{ kind.files }}) and nullif(t.{{ kind.code }}, '') is not null
        group by t.{{ kind.code }}, is_unmapped
    ) as c
) as of_kind
where is_unmapped
{%- endfor %}
