-- What can be expected. The tables belong to who replaces their rows in each build: src/revlog/estimates/.
create table if not exists estimates.customer_propensity (
    customer_id text not null,
    units bigint not null,
    returned_units bigint not null,
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
    -- an earlier version had room for two billion units
    for found in
        select attname from pg_attribute
        where attrelid = 'estimates.customer_propensity'::regclass and attname in ('units', 'returned_units')
            and atttypid = 'integer'::regtype
    loop
        execute format('alter table estimates.customer_propensity alter column %I type bigint', found);
    end loop;
end $$;

-- What comes back in the next four weeks (origin_on is the date of the build), and what was said on earlier days.
create table if not exists estimates.return_forecast (
    origin_on date not null,
    site text not null,
    product_category text,
    starts_on date not null,
    days integer not null,
    week_ahead integer not null,
    under_way_units numeric(14, 4),
    past_sales_units numeric(14, 4),
    coming_sales_units numeric(14, 4),
    unknown_sale_units numeric(14, 4),
    expected_units numeric(14, 4),
    low_80 integer,
    high_80 integer,
    low_95 integer,
    high_95 integer,
    labour_minutes numeric(14, 4),
    storage_unit_days numeric(14, 4),
    naive_units numeric(14, 4),
    actual_units numeric(14, 4),
    method text not null,
    reason text
);

-- What got worse beyond chance.
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
