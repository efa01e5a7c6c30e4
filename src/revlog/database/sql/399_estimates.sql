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

create table if not exists estimates.quality_alerts (
    alert_key text not null,
    kind text not null,
    outcome text not null,
    sku text,
    lot_no text,
    style text,
    size text,
    carrier text,
    vendor_id text,
    site text,
    window_from date not null,
    window_to date not null,
    orders bigint not null,
    units bigint not null,
    returned_orders bigint not null,
    expected_orders numeric not null,
    rate numeric not null,
    expected_rate numeric not null,
    effect numeric not null,
    effect_low_95 numeric not null,
    effect_high_95 numeric not null,
    p_value double precision not null,
    q_value double precision not null,
    tests bigint not null,
    first_seen_on date not null
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
