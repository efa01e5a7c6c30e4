-- Grain: one row per vendor claim line, on the day it was opened (basis CLAIM). Days that open claims
-- have waited are in kpi_of_open_units. Additive: every measure; amounts are in the reporting currency
-- at the rate of the claim's day.
{{ config(meta={'replaces': 'units'}) }}

with claims as (

    select * from {{ ref('fct_vendor_claim') }}
    where {{ in_touched_units('unit_key') }}

),

answered as (

    select
        *,
        case
            when status <> 'open' then coalesce(credited_on, {{ business_day('updated_at') }}) - opened_on
        end as waited
    from claims

),

final as (

    select
        unit_key,
        opened_on as period_date,
        channel,
        product_category,
        site,
        {{ mature_if("status <> 'open'") }} as mature_on,
        claimed_reporting as claimed_amount,
        credited_reporting as credited_amount,
        -- An answer before the question is a slip in some date: fct_implausible_record tells of it.
        case when waited >= 0 then waited end as days,
        case when waited >= 0 then case when credited_on is null then 0 else 1 end end
            as credited_claims
    from answered

)

select * from final
