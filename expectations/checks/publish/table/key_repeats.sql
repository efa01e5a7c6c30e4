-- severity: critical
-- meaning: One row per {{ key }}.
-- Rows are looked at where no primary key of the table holds them to it.
select
    {{ key }},
    count(*) as times
from batch
where not exists (
        select 1
        from pg_catalog.pg_constraint as held
        where held.conrelid = to_regclass('build.{{ table }}') and held.contype = 'p'
            and (
                select array_agg(cast(columns.attname as text))
                from pg_catalog.pg_attribute as columns
                where columns.attrelid = held.conrelid and columns.attnum = any(held.conkey)
            ) <@ string_to_array('{{ key }}', ', ')
    )
group by {{ key }}
having count(*) > 1
