{#- Incremental strategy: take out every row of the touched keys, put in what they are now. Unlike a
    merge it also removes what vanished. `meta.replaces` of a model says which keys those are:
    files (keys in changed files), versions (keys that changed in a full table), entity (keys that hang
    on what changed), snapshots (orders, and days that are no longer kept), refund_units (units whose match
    groups are computed anew), refund_groups (those, and groups with an open gap), units (orders), sales_lines
    (of those, and what has become mature), parcels (that those share), cells, kpi_months, months and stock_days (whose sums
    changed), everything (what only the clock decides). -#}
{% macro get_incremental_replace_touched_sql(arg_dict) %}
    {%- set columns = arg_dict['dest_columns'] | map(attribute='quoted') | join(', ') -%}
    {%- set by = config.get('meta') or {} -%}
    {%- if by['logs_changes'] %}
    {{ log_replaced(arg_dict['target_relation'], arg_dict['temp_relation'], by['primary_key']) }}
    {%- endif %}
    delete from {{ arg_dict['target_relation'] }}
    where {{ touched_predicate() }};
    insert into {{ arg_dict['target_relation'] }} ({{ columns }})
    select {{ columns }} from {{ arg_dict['temp_relation'] }};
{% endmacro %}

{#- Keys of a published table that are about to change, for the publisher. -#}
{% macro log_replaced(relation, temp_relation, keys) %}
    {%- set keys_of -%}
        select {{ keys | join(', ') }} from {{ relation }} where {{ touched_predicate() }}
        union
        select {{ keys | join(', ') }} from {{ temp_relation }}
    {%- endset -%}
    {{ log_changes(relation, keys, keys_of) }}
    delete from {{ changes_of(relation) }} where build_id <= {{ last_build('published') }};
{% endmacro %}

{% macro touched_predicate() %}
    {%- set by = config.get('meta', {}) -%}
    {%- if by['replaces'] == 'everything' -%}
        true
    {%- elif by['replaces'] == 'cells' -%}
        (kpi, basis, period_date, channel, product_category, site) in ({{ changed_cells() }})
    {%- elif by['replaces'] == 'kpi_months' -%}
        (basis, month) in ({{ changed_kpi_months() }})
    {%- elif by['replaces'] == 'sales_lines' -%}
        sales_line_key in ({{ touched_sales_lines(this) }})
    {%- elif by['replaces'] == 'parcels' -%}
        tracking_no in ({{ touched_parcels(this) }})
    {%- elif by['replaces'] == 'months' -%}
        request_month in ({{ changed_months() }})
    {%- elif by['replaces'] == 'stock_days' -%}
        period_date in ({{ touched_stock_days() }})
    {%- elif by['replaces'] == 'files' -%}
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
            from {{ source('state_of_intermediate', 'int_touched_keys') }}
            where entity = '{{ by["entity"] }}'
        )
    {%- elif by['replaces'] == 'snapshots' -%}
        unit_key in (select unit_key from {{ source('state_of_intermediate', 'int_touched_units') }})
        or snapshot_date > {{ as_of_date() }}
        or (
            snapshot_date <= {{ as_of_date() }} - {{ var('snapshot_days') }}
            and not {{ is_month_end('snapshot_date') }}
        )
    {%- elif by['replaces'] == 'refund_units' -%}
        unit_key in (select unit_key from {{ source('state_of_intermediate', 'int_touched_refund_units') }})
    {%- elif by['replaces'] == 'refund_groups' -%}
        unit_key in (select unit_key from {{ source('state_of_intermediate', 'int_touched_refund_units') }})
        or group_key in (select group_key from {{ source('state_of_build', 'refund_open_groups') }})
    {%- else -%}
        unit_key in (select unit_key from {{ source('state_of_intermediate', 'int_touched_units') }})
    {%- endif -%}
{% endmacro %}

{#- Condition that keeps a test to the night's rows; uniqueness over history is held by an index. -#}
{% macro touched_only(unit_key='unit_key') -%}
    {%- if is_full_build() -%} true
    {%- else -%}
        {{ unit_key }} in (select unit_key from {{ source('state_of_intermediate', 'int_touched_units') }})
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
