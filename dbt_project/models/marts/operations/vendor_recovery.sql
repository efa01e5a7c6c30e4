-- Grain: one row per vendor and month in which its claims were opened. Additive: counts, units and amounts;
-- rates and days are computed when read.
{{ config(materialized='table', indexes=[{'columns': ['vendor_id']}]) }}

with claims as (

    select
        *,
        cast(date_trunc('month', opened_on) as date) as month
    from {{ ref('fct_vendor_claim') }}

),

vendors as (

    select * from {{ ref('dim_vendor') }}
    where is_current

)

select
    claims.vendor_id,
    claims.month,
    coalesce(vendors.name, 'Unknown vendor') as vendor_name,
    vendors.rtv_window_days,
    vendors.rtv_recovery_pct,
    count(*) as claim_lines,
    count(*) filter (where claims.status = 'open') as open_claim_lines,
    count(*) filter (where claims.status = 'rejected') as rejected_claim_lines,
    cast(sum(claims.quantity) as bigint) as units,
    cast(sum(claims.claimed_reporting) as numeric(18, 2)) as claimed,
    cast(coalesce(sum(claims.credited_reporting), 0) as numeric(18, 2)) as credited,
    cast(coalesce(sum(claims.claimed_reporting) filter (where claims.status = 'open'), 0)
        as numeric(18, 2)) as outstanding,
    cast(coalesce(sum({{ as_of_date() }} - claims.opened_on) filter (where claims.status = 'open'), 0)
        as bigint) as open_claim_days,
    max({{ as_of_date() }} - claims.opened_on) filter (where claims.status = 'open')
        as oldest_open_days,
    cast('{{ var("reporting_currency") }}' as text) as currency
from claims
left join vendors on claims.vendor_id = vendors.vendor_id
group by
    claims.vendor_id, claims.month, coalesce(vendors.name, 'Unknown vendor'),
    vendors.rtv_window_days, vendors.rtv_recovery_pct
