{#- The newest version of each key over the rows of active files. Decided by what rows and files say,
    never by when they came: version column, extract time, modification time, content, line. -#}
{% macro winners(source_name, feed, keys, version=none) -%}
    select ranked.*
    from (
        select
            r.*,
            row_number() over (
                partition by {% for k in keys %}r.{{ k }}{{ ', ' if not loop.last }}{% endfor %}
                order by
                    {% if version %}r.{{ version }} desc nulls last, {% endif %}
                    file.extract_at desc, file.modified_at desc, file.content_sha256 desc,
                    r._line_no desc, r._record_no desc
            ) as _rank
        from {{ source(source_name, feed) }} as r
        inner join {{ source('ops', 'file_ledger') }} as file
            on r._file_id = file.file_id and file.status = 'loaded'
        {% if is_incremental() -%}
        inner join ({{ touched_keys(source_name, feed, keys) }}) as touched
            on {% for k in keys %}r.{{ k }} = touched.{{ k }}{{ ' and ' if not loop.last }}{% endfor %}
        {%- endif %}
    ) as ranked
    where ranked._rank = 1
{%- endmacro %}

{#- Versions of each key of a table that comes whole in every file. A version begins with the first
    file that shows it; a key that vanished gets a version `is_deleted`. The first version reaches
    back to 1900, so that older sales find their product and customer. -#}
{% macro versions(source_name, feed, key, columns) -%}
    with files as (
        select file_id, snapshot_on, row_number() over (order by snapshot_on) as file_no
        from (
            select
                file_id,
                {{ business_day('extract_at') }} as snapshot_on,
                row_number() over (
                    partition by {{ business_day('extract_at') }}
                    order by extract_at desc, modified_at desc, content_sha256 desc
                ) as rank_of_day
            from {{ source('ops', 'file_ledger') }}
            where feed = '{{ feed }}' and status = 'loaded'
        ) as ranked
        where rank_of_day = 1
    ),

    sightings as (
        select
            r.{{ key }},
            {% for c in columns %}r.{{ c }}, {% endfor %}
            r._file_id,
            r._line_no,
            files.snapshot_on,
            files.file_no,
            {{ row_content('r', columns) }} as content
        from {{ source(source_name, feed) }} as r
        inner join files on r._file_id = files.file_id
        {% if is_incremental() -%}
        inner join ({{ touched_versions(source_name, feed, key, columns) }}) as touched
            on r.{{ key }} = touched.{{ key }}
        {%- endif %}
    ),

    neighbours as (
        select
            *,
            lag(file_no) over by_key as previous_file_no,
            lag(content) over by_key as previous_content,
            lead(file_no) over by_key as next_file_no
        from sightings
        window by_key as (partition by {{ key }} order by file_no)
    ),

    changes as (
        select
            {{ key }}, {% for c in columns %}{{ c }}, {% endfor %}
            _file_id, _line_no, snapshot_on as seen_from, false as is_deleted
        from neighbours
        where previous_file_no is distinct from file_no - 1
            or previous_content is distinct from content
        union all
        select
            gone.{{ key }}, {% for c in columns %}gone.{{ c }}, {% endfor %}
            gone._file_id, gone._line_no, files.snapshot_on as seen_from, true as is_deleted
        from neighbours as gone
        inner join files on files.file_no = gone.file_no + 1
        where gone.next_file_no is distinct from gone.file_no + 1
    )

    select
        *,
        case
            when lag(seen_from) over by_key is null then cast('1900-01-01' as date) else seen_from
        end as valid_from,
        coalesce(lead(seen_from) over by_key, cast('9999-12-31' as date)) as valid_to,
        lead(seen_from) over by_key is null as is_current
    from changes
    window by_key as (partition by {{ key }} order by seen_from)
{%- endmacro %}
