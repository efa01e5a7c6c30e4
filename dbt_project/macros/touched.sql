{#- Files whose rows came or went within the build's window of ledger changes. A file that was
    superseded touches the keys it brought as much as the file that replaced it. -#}
{% macro changed_files(feed) -%}
    select file_id
    from {{ source('ops', 'file_ledger') }}
    where feed = '{{ feed }}'
        and changed_seq > {{ build_parameter('from_seq', 0) }}
        and changed_seq <= {{ build_parameter('to_seq', 0) }}
        and status in ('loaded', 'superseded')
{%- endmacro %}

{#- Values of `columns` in the rows of changed files. -#}
{% macro touched_keys(source_name, feed, columns) -%}
    select distinct {{ columns | join(', ') }}
    from {{ source(source_name, feed) }}
    where _file_id in ({{ changed_files(feed) }})
{%- endmacro %}

{#- Versioned tables (mode full): a key is touched where a changed file differs from the active file
    before it. That suffices: a change between two later files touches through those. `changed_from`
    is the day of the earliest such file, or the first of all days where the key was not in the file
    before: its first version reaches back as far. -#}
{% macro touched_versions(source_name, feed, key, columns) -%}
    select
        coalesce(now_there.{{ key }}, there_before.{{ key }}) as {{ key }},
        min(
            case
                when there_before.content is null then cast('1900-01-01' as date)
                else there_before.snapshot_on
            end
        ) as changed_from
    from (
        select pair.file_id, pair.snapshot_on, r.{{ key }}, {{ row_content('r', columns) }} as content
        from ({{ file_pairs(feed) }}) as pair
        inner join {{ source(source_name, feed) }} as r on pair.file_id = r._file_id
    ) as now_there
    full join (
        select pair.file_id, pair.snapshot_on, r.{{ key }}, {{ row_content('r', columns) }} as content
        from ({{ file_pairs(feed) }}) as pair
        inner join {{ source(source_name, feed) }} as r on pair.previous_file_id = r._file_id
    ) as there_before
        on now_there.file_id = there_before.file_id
        and now_there.{{ key }} = there_before.{{ key }}
    where now_there.content is distinct from there_before.content
    group by coalesce(now_there.{{ key }}, there_before.{{ key }})
{%- endmacro %}

{#- Each changed file with the active file before it in the order of files. -#}
{% macro file_pairs(feed) -%}
    select
        changed.file_id,
        {{ business_day('changed.extract_at') }} as snapshot_on,
        (
            select active.file_id
            from {{ source('ops', 'file_ledger') }} as active
            where active.feed = '{{ feed }}' and active.status = 'loaded'
                and (active.extract_at, active.modified_at, active.content_sha256)
                < (changed.extract_at, changed.modified_at, changed.content_sha256)
            order by active.extract_at desc, active.modified_at desc, active.content_sha256 desc
            limit 1
        ) as previous_file_id
    from {{ source('ops', 'file_ledger') }} as changed
    where changed.file_id in ({{ changed_files(feed) }})
{%- endmacro %}

{% macro row_content(relation, columns) -%}
    md5(cast(row({% for c in columns %}{{ relation }}.{{ c }}{{ ', ' if not loop.last }}{% endfor %}) as text))
{%- endmacro %}

{#- Condition of a working set: the key belongs to a touched unit. In a full build all do. `prefix`
    names units that stand alone, such as 'RMA:'. -#}
{% macro in_touched_units(expression) -%}
    {%- if is_full_build() -%} true
    {%- else -%} {{ expression }} in (select unit_key from {{ ref('int_touched_units') }})
    {%- endif -%}
{%- endmacro %}

{#- Keys of the touched units that stand alone under `prefix`. -#}
{% macro lone_units(prefix) -%}
    select substr(unit_key, {{ prefix | length + 1 }})
    from {{ ref('int_touched_units') }}
    where unit_key like '{{ prefix }}%'
{%- endmacro %}

{#- Rows of `relation` that may belong to a touched unit: any of `conditions` holds. A union, since an
    `or` over subqueries would read the whole history. In a full build all rows. -#}
{% macro working_set(relation, conditions) -%}
    {%- if is_full_build() -%}
    select * from {{ relation }}
    {%- else -%}
    {%- for condition in conditions %}
    select * from {{ relation }} where {{ condition }}
    {{ 'union' if not loop.last }}
    {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{% macro touched_units() -%}
    (select unit_key from {{ ref('int_touched_units') }})
{%- endmacro %}

{#- Documents that a row of a feed names: (entity, entity_key). -#}
{% macro ties_of(row, relation) -%}
    {%- for column, document in relation.ties %}
    select '{{ document }}' as entity,
        {% if column in relation.lists %}unnest({{ row }}.{{ column }}){% else %}cast({{ row }}.{{ column }} as text){% endif %} as entity_key
    where {{ row }}.{{ column }} is not null
    {{ 'union all' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{#- Documents that may be a unit of recomputation, with what its name begins with: an order is one by its number,
    any other only while no order is known. -#}
{% macro units() -%}
    {%- set found = [] -%}
    {%- for relation in relations() -%}
        {%- for document, prefix in relation.units.items() -%}
            {%- do found.append({'document': document, 'prefix': prefix}) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}
