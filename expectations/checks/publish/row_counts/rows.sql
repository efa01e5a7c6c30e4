-- asset: build beside published {{ domain }}
-- key: table_name, rows_built, rows_published
-- holds: {{ domain }}
-- Published tables grow; only lists of open items shrink, and never by half overnight. What there
-- is to do or to expect (meta comes_and_goes) is not among them.
{%- for table in tables %}
{%- if not loop.first %}
union all
{%- endif %}
select
    '{{ table.schema }}.{{ table.name }}' as table_name,
    (select count(*) from build.{{ table.name }}) as rows_built,
    (
        select count(*)
        from {{ table.published }} as t
        where {{ table.stayed }}
    ) as rows_published
{%- endfor %}
