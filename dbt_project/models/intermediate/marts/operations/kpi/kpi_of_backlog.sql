-- Grain: one row per open thing that waits: a return line under its age at the end of the business date
-- (basis SNAPSHOT), a receipt at the dock, a claim with a vendor. All of it every night, since it grows
-- with the clock. Additive: every measure; amounts are in the reporting currency.
{{ config(indexes=[], meta={'replaces': 'everything'}) }}

with lines as (

    select
        *,
        {{ as_of_date() }} - basis_on as age_days
    from {{ ref('fct_return_line') }}
    where is_counted and open_quantity > 0 and {{ may_be_open('status') }}

),

receipts as (

    select * from {{ ref('kpi_of_dispositions') }}
    where open_units > 0

),

claims as (

    select * from {{ ref('fct_vendor_claim') }}
    where status = 'open'

)

select
    return_line_key as what,
    {{ as_of_date() }} as period_date,
    channel,
    product_category,
    ship_from_site as site,
    case
        when age_days <= 7 then '0_7'
        when age_days <= 14 then '8_14'
        when age_days <= 30 then '15_30'
        when age_days <= 60 then '31_60'
        else '60_plus'
    end as age,
    open_quantity as open_units,
    coalesce(round(line_net_reporting * open_quantity / nullif(line_quantity, 0), 2), 0)
        as open_amount,
    cast(null as bigint) as dock_hours,
    cast(null as integer) as claim_days
from lines
union all
select
    receipt_id as what,
    period_date,
    channel,
    product_category,
    site,
    null as age,
    null as open_units,
    null as open_amount,
    open_units * {{ whole_hours('received_at', as_of_end()) }} as dock_hours,
    null as claim_days
from receipts
union all
select
    claim_key as what,
    opened_on as period_date,
    channel,
    product_category,
    site,
    null as age,
    null as open_units,
    null as open_amount,
    null as dock_hours,
    {{ as_of_date() }} - opened_on as claim_days
from claims
