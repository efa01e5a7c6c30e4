{#- Incremental strategy: take out every row of the touched keys, put in what they are now. Unlike a
    merge it also removes what vanished. `meta.replaces` of a model says which keys those are:
    files (keys in changed files), versions (keys that changed in a full table), entity (keys that hang
    on what changed), snapshots (orders, and days that are no longer kept), refund_units (units whose match
    groups are computed anew), refund_groups (those, and groups with an open gap), units (orders). -#}
{% macro get_incremental_replace_touched_sql(arg_dict) %}
    {%- set columns = arg_dict['dest_columns'] | map(attribute='quoted') | join(', ') -%}
    delete from {{ arg_dict['target_relation'] }}
    where {{ touched_predicate() }};
    insert into {{ arg_dict['target_relation'] }} ({{ columns }})
    select {{ columns }} from {{ arg_dict['temp_relation'] }};
{% endmacro %}

{% macro touched_predicate() %}
    {%- set by = config.get('meta', {}) -%}
    {%- if by['replaces'] == 'files' -%}
        ({{ by['keys'] | join(', ') }}) in (
            {{ touched_keys(by['source'], by['feed'], by['raw_keys'] or by['keys']) }}
        )
    {%- elif by['replaces'] == 'versions' -%}
        {{ by['key'] }} in (
            select touched.{{ by['key'] }}
            from ({{ touched_versions(by['source'], by['feed'], by['key'], by['columns']) }}) as touched
        )
    {%- elif by['replaces'] == 'entity' -%}
        {{ by['key'] }} in (
            select cast(entity_key as {{ by['key_type'] or 'text' }})
            from {{ intermediate_relation('int_touched_keys') }}
            where entity = '{{ by["entity"] }}'
        )
    {%- elif by['replaces'] == 'snapshots' -%}
        unit_key in (select unit_key from {{ intermediate_relation('int_touched_units') }})
        or snapshot_date > {{ as_of_date() }}
        or (
            snapshot_date <= {{ as_of_date() }} - {{ var('snapshot_days') }}
            and not {{ is_month_end('snapshot_date') }}
        )
    {%- elif by['replaces'] == 'refund_units' -%}
        unit_key in (select unit_key from {{ intermediate_relation('int_touched_refund_units') }})
    {%- elif by['replaces'] == 'refund_groups' -%}
        unit_key in (select unit_key from {{ intermediate_relation('int_touched_refund_units') }})
        or group_key in (select group_key from {{ as_built_before('build', 'refund_open_groups') }})
    {%- else -%}
        unit_key in (select unit_key from {{ intermediate_relation('int_touched_units') }})
    {%- endif -%}
{% endmacro %}

{#- Named without ref(): the strategy runs for models that depend on it through their parents. -#}
{% macro intermediate_relation(name) -%}
    {{ return(api.Relation.create(
        database=target.database, schema='intermediate', identifier=name)) }}
{%- endmacro %}

{#- Condition that keeps a test to the night's rows; uniqueness over history is held by an index. -#}
{% macro touched_only(unit_key='unit_key') -%}
    {%- if is_full_build() -%} true
    {%- else -%}
        {{ unit_key }} in (select unit_key from {{ intermediate_relation('int_touched_units') }})
    {%- endif -%}
{%- endmacro %}

{#- `where: touched_units` on a generic test: only rows of touched units, so that tests cost what the
    night brought. Anything else is taken as it stands. -#}
{% macro get_where_subquery(relation) -%}
    {%- set where = config.get('where', '') -%}
    {%- if where == 'touched_units' -%}
        {%- if is_full_build() -%} {{ relation }}
        {%- else -%}
        (select * from {{ relation }} where {{ touched_only() }}) as dbt_subquery
        {%- endif -%}
    {%- elif where -%}
        (select * from {{ relation }} where {{ where }}) as dbt_subquery
    {%- else -%}
        {{ relation }}
    {%- endif -%}
{%- endmacro %}

{#- `meta` of another model of this project; at parse time, when nobody knows it yet, nothing. -#}
{% macro model_meta(name) -%}
    {%- if not execute %}{{ return({'columns': ['x']}) }}{% endif -%}
    {%- set node = graph.nodes['model.reverse_logistics.' ~ name] -%}
    {{ return(node.config.meta) }}
{%- endmacro %}
