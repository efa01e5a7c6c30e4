{#- Sums that a night changes by difference.

    A model of contributions has one row per unit and cell, replaced by touched units; measures_of says
    what its columns add up to. When the strategy replaces rows it takes the old ones off those sums and
    puts the new ones on, in the same transaction: whatever kills a build leaves contributions and sums
    of one and the same state. Amounts are exact decimals, so a sum kept by difference is the sum. -#}
{% macro get_incremental_post_differences_sql(arg_dict) %}
    {%- set by = measures_of(this.identifier) -%}
    {%- set columns = arg_dict['dest_columns'] | map(attribute='quoted') | join(', ') -%}
    {%- set rows -%}
        (
            select 1 as sign, {{ columns }} from {{ arg_dict['temp_relation'] }}
            union all
            select -1 as sign, {{ columns }} from {{ arg_dict['target_relation'] }}
            where {{ touched_predicate() }}
        ) as rows
    {%- endset -%}
    {%- for sums in sums_posted_to(by) %}
    create temporary table posted_{{ sums }} on commit drop as
    {{ postings(by, sums, rows) }};
    analyze posted_{{ sums }};
    {%- endfor %}
    {{ get_incremental_replace_touched_sql(arg_dict) }}
    {%- for sums in sums_posted_to(by) %}
    {{ add_to_sums(sums) }}
    {%- endfor %}
{% endmacro %}

{#- Models of sums change only through what is posted to them. -#}
{% macro get_incremental_posted_to_sql(arg_dict) %}
    delete from {{ changes_of(arg_dict['target_relation']) }} where build_id <= {{ last_build('published') }};
{% endmacro %}

{#- In one order for all models, since each locks what it posts to. -#}
{% macro sums_posted_to(by) -%}
    {%- set names = ['kpi_sums'] if by['kpis'] else [] -%}
    {%- for post in by['posts'] or [] -%}
        {%- if post['to'] not in names -%}{% do names.append(post['to']) %}{%- endif -%}
    {%- endfor -%}
    {{ return(names | sort) }}
{%- endmacro %}

{#- What `rows` (with a column sign) add to the sums, one row per key; keys that nothing changes are
    left out. -#}
{% macro postings(by, sums, rows) -%}
    {%- set to = sums_named(sums) -%}
    select
        {{ to['keys'] | join(', ') }},
        {% for s in to['sums'] %}sum({{ s }}) as {{ s }}{{ ', ' if not loop.last }}{% endfor %}
    from (
        {%- if sums == 'kpi_sums' %}
        {{ kpi_postings(by['kpis'], rows) }}
        {%- endif %}
        {%- for post in by['posts'] or [] if post['to'] == sums %}
        select
            {% for k in to['keys'] %}{{ post['keys'][k] or k }} as {{ k }}, {% endfor %}
            {% for s in to['sums'] %}sign * coalesce({{ post['sums'][s] or 0 }}, 0) as {{ s }}{{ ', ' if not loop.last }}{% endfor %}
        from {{ rows }}
        where {{ post['where'] or 'true' }}
        {{ 'union all' if not loop.last }}
        {%- endfor %}
    ) as posted
    group by {{ to['keys'] | join(', ') }}
    having {% for s in to['sums'] %}sum({{ s }}) <> 0{{ ' or ' if not loop.last }}{% endfor %}
{%- endmacro %}

{#- KPI cells from rows that have period_date, channel, product_category, site and measures. Measures
    are added up by cell before they become one row a KPI. A row counts for a KPI where its numerator
    or denominator is not null; `mature_on` is the day from which the row changes no more. -#}
{% macro kpi_postings(kpis, rows) -%}
    {%- set measures, days = [], [] -%}
    {%- for kpi in kpis -%}
        {%- for measure in (kpi['numerator'], kpi['denominator']) if measure not in measures and measure != '0' -%}
            {%- do measures.append(measure) -%}
        {%- endfor -%}
        {%- set day = kpi['mature_on'] or always_mature() -%}
        {%- if day not in days %}{% do days.append(day) %}{% endif -%}
    {%- endfor %}
        select
            kpi.kpi, kpi.basis, cells.period_date, cells.channel, cells.product_category, cells.site,
            kpi.mature_on, kpi.contributions,
            coalesce(kpi.numerator, 0) as numerator, coalesce(kpi.denominator, 0) as denominator
        from (
            select
                period_date, channel, product_category, site,
                {% for day in days %}{{ day }} as day_{{ loop.index0 }}, {% endfor %}
                {% for measure in measures -%}
                sum(sign * ({{ measure }})) as measure_{{ loop.index0 }},
                {% endfor -%}
                {% for kpi in kpis -%}
                sum(sign) filter (where {{ counts_for(kpi) }}) as count_{{ loop.index0 }}{{ ', ' if not loop.last }}
                {% endfor %}
            from {{ rows }}
            group by period_date, channel, product_category, site{% for day in days if day != always_mature() %}, {{ day }}{% endfor %}
        ) as cells
        cross join lateral (
            values
            {%- for kpi in kpis %}
            (
                '{{ kpi["kpi"] }}', '{{ kpi["basis"] }}',
                day_{{ days.index(kpi['mature_on'] or always_mature()) }}, count_{{ loop.index0 }},
                {{ 'cast(0 as numeric)' if kpi['numerator'] == '0' else 'cast(measure_' ~ measures.index(kpi['numerator']) ~ ' as numeric)' }},
                {{ 'cast(0 as numeric)' if kpi['denominator'] == '0' else 'cast(measure_' ~ measures.index(kpi['denominator']) ~ ' as numeric)' }}
            ){{ ',' if not loop.last }}
            {%- endfor %}
        ) as kpi (kpi, basis, mature_on, contributions, numerator, denominator)
        where kpi.contributions is not null
{%- endmacro %}

{% macro counts_for(kpi) -%}
    {%- for measure in (kpi['numerator'], kpi['denominator']) | reject('equalto', '0') -%}
    ({{ measure }}) is not null{{ ' or ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{#- Adds what was posted. The lock keeps two models from waiting for each other's rows. -#}
{% macro add_to_sums(name) %}
    {%- set sums = api.Relation.create(database=target.database, schema='build', identifier=name) -%}
    {%- set to = sums_named(name) -%}
    {%- set keys = to['keys'] | join(', ') %}
    lock table {{ sums }} in share row exclusive mode;
    insert into {{ sums }} as total ({{ keys }}, {{ to['sums'].keys() | join(', ') }})
    select {{ keys }}, {{ to['sums'].keys() | join(', ') }} from posted_{{ name }}
    on conflict ({{ keys }}) do update set
        {% for s in to['sums'] %}{{ s }} = total.{{ s }} + excluded.{{ s }}{{ ', ' if not loop.last }}{% endfor %};
    delete from {{ sums }} as total using posted_{{ name }} as posted
    where {% for k in to['keys'] %}total.{{ k }} = posted.{{ k }} and {% endfor %}
        {% for s in to['sums'] %}total.{{ s }} = 0{{ ' and ' if not loop.last }}{% endfor %};
    {{ log_changes(sums, to['keys'], 'select ' ~ keys ~ ' from posted_' ~ name) }}
{% endmacro %}

{#- Rows of a model of sums: on a full build what all contributions add up to; on a night none, since
    the models of contributions have posted already. -#}
{% macro sums_of(name, models) -%}
    {%- set to = sums_named(name) -%}
    {%- for model in models %}
    -- depends_on: {{ ref(model) }}
    {%- endfor %}
    {% if is_incremental() -%}
    select * from {{ this }} where false
    {%- else -%}
    select
        {{ to['keys'] | join(', ') }},
        {% for s in to['sums'] %}cast(sum({{ s }}) as {{ to['sums'][s] }}) as {{ s }}{{ ', ' if not loop.last }}{% endfor %}
    from (
        {%- for model in models %}
        {{ postings(measures_of(model), name, '(select 1 as sign, * from ' ~ ref(model) ~ ') as rows') }}
        {{ 'union all' if not loop.last }}
        {%- endfor %}
    ) as posted
    group by {{ to['keys'] | join(', ') }}
    having {% for s in to['sums'] %}sum({{ s }}) <> 0{{ ' or ' if not loop.last }}{% endfor %}
    {%- endif -%}
{%- endmacro %}

{#- Keys whose rows a build has changed, kept in `<table>__changes` until they are published: so that
    what comes after needs no comparison of whole tables. -#}
{% macro log_changes(relation, keys, query) %}
    {%- set changes = changes_of(relation) %}
    create table if not exists {{ changes }} as
    select {{ keys | join(', ') }}, cast(0 as bigint) as build_id from {{ relation }} where false;
    insert into {{ changes }} ({{ keys | join(', ') }}, build_id)
    select changed.*, {{ last_build() }} from ({{ query }}) as changed;
{% endmacro %}

{% macro changes_of(relation) -%}
    {{ return(api.Relation.create(
        database=target.database, schema=relation.schema, identifier=relation.identifier ~ '__changes')) }}
{%- endmacro %}

{#- Number of the newest build: of all, of those that are 'built', or the newest that every
    domain has 'published'. -#}
{% macro last_build(kind='any') -%}
    {%- if kind == 'published' -%}
    (select coalesce(min(build_id), 0) from {{ source('ops', 'standing') }})
    {%- elif kind == 'built' -%}
    (select coalesce(max(build_id), 0) from {{ source('ops', 'builds') }} where status = 'built')
    {%- else -%}
    (select max(build_id) from {{ source('ops', 'builds') }})
    {%- endif -%}
{%- endmacro %}
