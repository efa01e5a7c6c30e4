{{ config(meta={
    'failure_means': 'A name, e-mail address or telephone number left the restricted table.',
}) }}
-- depends_on: {{ ref('dim_customer') }}
select table_schema, table_name, column_name
from information_schema.columns
where table_schema in ('staging', 'intermediate', 'core', 'build')
    and table_name ~ 'customer|refund|request|sales'
    and column_name in ('name', 'email', 'phone', 'source_customer_id')
