-- A customer by the company's own number, for who may. The numbers stand beside the names in the identity tables;
-- the key that they are hashed with is not in the warehouse, and is not needed here. Whom erasure has reached is in
-- no identity table any more, and is not found.
create or replace function marts.customer_of(customer_number text) returns text
language plpgsql stable security definer set search_path = pg_catalog as $$
declare
    identities text;
    found text;
    survivor text;
begin
    for identities in
        select table_name from information_schema.columns
        where table_schema = 'raw' and table_name like '%\_identity' and column_name = 'source_customer_id'
        order by table_name
    loop
        execute format(
            'select customer_id from raw.%I where source_customer_id = $1 and customer_id is not null limit 1',
            identities) into found using btrim(customer_number);
        exit when found is not null;
    end loop;
    if found is not null and to_regclass('core.dim_customer') is not null then
        execute 'select survivor_customer_id from core.dim_customer where customer_id = $1 and is_current'
            into survivor using found;
    end if;
    return coalesce(survivor, found);
end $$;
comment on function marts.customer_of(text) is
    'Keyed hash, as in dimension_customer, of the customer whom the company calls by this number, merges followed;
null where no customer file has shown the number or the customer was erased. Granted person by person.';
revoke all on function marts.customer_of(text) from public;
grant execute on function marts.customer_of(text) to auditor;
