-- What can be expected. The tables belong to who replaces their rows in each build: src/revlog/estimates/.
create table if not exists estimates.customer_propensity (
    customer_id text not null,
    units integer not null,
    returned_units integer not null,
    expected_units double precision not null,
    propensity double precision not null,
    propensity_low_95 double precision not null,
    propensity_high_95 double precision not null,
    p_value double precision not null,
    q_value double precision not null
);

do $$
declare
    found text;
begin
    for found in
        select c.oid::regclass from pg_class as c
        where c.relnamespace = 'estimates'::regnamespace and c.relkind = 'r'
            and c.relowner <> 'transformer'::regrole
    loop
        execute format('alter table %s owner to transformer', found);
    end loop;
end $$;
