{{ config(indexes=[{'columns': ['entity', 'entity_key']}]) }}
-- Grain: one row per document that hangs together with a row of the night's files, by what the contracts
-- say that rows name (macro relations). Empty in a full build, which takes everything. Documents are coarse
-- (an RMA, not its line): a superset costs a little and cannot be wrong, since what is computed needlessly
-- comes out the same.

{% set relations = relations() -%}
{% for relation in relations -%}
-- depends_on: {{ ref(relation.staging) }}
{% endfor -%}
-- depends_on: {{ ref('int_touched_rates') }}
{% if is_full_build() %}
select cast(null as text) as entity, cast(null as text) as entity_key
from {{ ref('stg_erp__sales_lines') }}
where false
{% else %}
with recursive rates as (
    select * from {{ ref('int_touched_rates') }}
),

-- Rows whose file came or went, in every version that raw keeps: where a row led before it changed, and where
-- it leads now. Raw never forgets, so a build that broke off half way finds the same when it runs again.
news as (
    {%- for relation in relations if relation.ties and not relation.is_versioned %}
    {{ 'union' if not loop.first }}
    select tie.entity, tie.entity_key
    from {{ source(relation.source, relation.feed) }} as any_version
    cross join lateral ({{ ties_of('any_version', relation) }}) as tie  -- noqa: ST05
    where (
        {%- for k in relation.key %}
        any_version.{{ k }}{{ ',' if not loop.last }}
        {%- endfor %}
    ) in (
        {{ touched_keys(relation.source, relation.feed, relation.key) }}
    )
    {%- endfor %}
),

-- Members of whole tables that changed, from the day on that they did
{% for relation in relations if relation.is_versioned -%}
changed_{{ relation.feed }} as (
    {{ touched_versions(
        relation.source, relation.feed, relation.key[0], model_meta(relation.staging)['columns']) }}
),

{% endfor -%}
members as (
    {%- for relation in relations if relation.is_versioned %}
    {{ 'union all' if not loop.first }}
    select '{{ relation.ties[0][1] }}' as entity, {{ relation.key[0] }} as entity_key, changed_from
    from changed_{{ relation.feed }}
    {%- endfor %}
),

-- Rows whose amounts another rate converts
converted as (
    {%- set ns = namespace(first=true) %}
    {%- for relation in relations %}
    {%- for day, currency in relation.converted_on.items() %}
    {{ 'union' if not ns.first }}
    {%- set ns.first = false %}
    select tie.entity, tie.entity_key
    from rates
    inner join {{ ref(relation.staging) }} as priced
        on priced.{{ day }} >= rates.affected_from and priced.{{ day }} < rates.affected_to
        {{- ' and rates.currency = priced.' ~ currency if currency != 'any' }}
    cross join lateral ({{ ties_of('priced', relation) }}) as tie  -- noqa: ST05
    {%- endfor %}
    {%- endfor %}
),

-- Authorizations that lapsed since the last build that finished, or would lapse again where the clock is
-- turned back
clock as (
    select
        least(min(business_date), {{ as_of_date() }}) as from_date,
        greatest(max(business_date), {{ as_of_date() }}) + 1 as to_date
    from {{ source('ops', 'builds') }}
    where build_id >= (
        select coalesce(max(build_id), 0) from {{ source('ops', 'builds') }} where status = 'built'
    )
),

lapsed as (
    select rma.rma_no
    from clock
    inner join {{ ref('stg_erp__return_authorizations') }} as rma
        on rma.expires_at >= {{ start_of('clock.from_date') }}
        and rma.expires_at < {{ start_of('clock.to_date') }}
),

touched as (
    select entity, entity_key, cast(null as date) as changed_from, true as is_news from news
    union
    select entity, entity_key, changed_from, true as is_news from members
    union
    select entity, entity_key, null as changed_from, true as is_news from converted
    union
    select 'erp_return_authorizations.rma_no' as entity, rma_no as entity_key, null as changed_from, true as is_news
    from lapsed
    union
    select tied.entity, tied.entity_key, tied.changed_from, tied.is_news
    from touched
    cross join lateral (
        {%- set ns = namespace(first=true) %}
        {%- for relation in relations %}
        {%- for column, document in relation.ties if column not in relation.lists and not relation.is_whole %}
        {{ 'union all' if not ns.first }}
        {%- set ns.first = false %}
        select tie.entity, tie.entity_key, cast(null as date) as changed_from, false as is_news
        from {{ ref(relation.staging) }} as r
        cross join lateral ({{ ties_of('r', relation) }}) as tie
        where touched.entity = '{{ document }}' and r.{{ column }} = touched.entity_key
            {{- ' and touched.is_news' if column in relation.gathering }}
        {%- endfor %}
        {%- for follow in relation.follows %}
        union all
        select
            tie.entity, tie.entity_key,
            {{ 'touched.changed_from' if relation.is_versioned else 'null' }} as changed_from, false as is_news
        from {{ ref(relation.staging) }} as r
        cross join lateral ({{ ties_of('r', relation) }}) as tie
        where touched.entity = '{{ follow.document }}' and r.{{ follow.column }} = touched.entity_key
            {{- ' and touched.changed_from <= r.' ~ follow.as_of if follow.as_of }}
            {%- if follow.unless %}
            and not exists (
                select from {{ ref(follow.unless.staging) }} as known
                where {% for own, other in follow.unless.by -%}
                known.{{ other }} = r.{{ own }}{{ ' and ' if not loop.last }}
                {%- endfor %}
            )
            {%- endif %}
        {%- endfor %}
        {%- endfor %}
    ) as tied
)

select distinct entity, entity_key from touched
{% endif %}
