{{ config(meta={
    'failure_means': 'What the contracts restrict (names, addresses, free text) is open to builds, or stands in staging.',
}) }}
-- depends_on: {{ ref('dim_customer') }}
select table_schema, table_name, column_name
from information_schema.columns
where
    (table_schema = 'raw' and right(table_name, 9) = '_identity')
    or (
        table_schema = 'staging' and column_name = 'source_customer_id'
    )
    {%- if execute %}
    {%- for source in graph.sources.values() if source.meta.get('restricted') %}
    or (
        table_schema = 'staging'
        and table_name = 'stg_{{ source.source_name }}__{{ source.name[4:] }}'
        and column_name in ('{{ source.meta.restricted | join("', '") }}')
    )
    {%- endfor %}
    {%- endif %}
