-- Grain: one row per open thing and what the clock counts of it: a return line in a step (step 0 is the
-- whole cycle), a return line by age, a receipt at the dock, a vendor claim. Only what is open at the
-- end of the business date is read, and all of it every night: it grows with the clock.
-- Additive: every measure, within a step.
{{ config(indexes=[], meta={'replaces': 'everything'}) }}

with lines as (

    select *
    from {{ ref('fct_return_line') }}
    where
        status in ('REQUESTED', 'APPROVED', 'IN_TRANSIT', 'PARTIALLY_RECEIVED', 'RECEIVED', 'INSPECTED', 'IN_PROCESS')
        and is_counted and open_quantity > 0

),

waiting as (

    select
        lines.*,
        step.step_no,
        step.started_at,
        case when step.step_no = 0 then lines.open_quantity else lines.expected_quantity end as units
    from lines
    cross join lateral (
        select 0 as step_no, lines.basis_at as started_at
        union all
        select step.step_no, step.started_at
        from (
            {{ return_steps('lines') }}
        ) as step (step_no, started_at, ended_at, overtaken_at)
        where
            step.started_at is not null
            and coalesce(step.ended_at, step.overtaken_at, lines.expired_at) is null
    ) as step

),

aged as (

    select
        *,
        {{ as_of_date() }} - basis_on as age_days,
        coalesce(round(line_net_reporting * open_quantity / nullif(line_quantity, 0), 2), 0)
            as open_amount
    from lines

),

final as (

    select
        basis_on as period_date,
        case when step_no = 0 then channel else 'ALL' end as channel,
        case when step_no = 0 then product_category else 'ALL' end as product_category,
        site,
        step_no,
        units,
        {{ whole_hours('started_at', as_of_end()) }} as hours,
        cast(null as bigint) as dock_hours,
        cast(null as integer) as claim_days,
        cast(null as text) as age,
        cast(null as bigint) as open_units,
        cast(null as numeric(18, 2)) as open_amount
    from waiting
    union all
    select
        period_date,
        channel,
        product_category,
        site,
        null as step_no,
        null as units,
        null as hours,
        open_units * {{ whole_hours('received_at', as_of_end()) }} as dock_hours,
        null as claim_days,
        null as age,
        null as open_units,
        null as open_amount
    from {{ ref('kpi_of_receipts') }}
    where open_units > 0
    union all
    select
        opened_on as period_date,
        channel,
        product_category,
        site,
        null as step_no,
        null as units,
        null as hours,
        null as dock_hours,
        {{ as_of_date() }} - opened_on as claim_days,
        null as age,
        null as open_units,
        null as open_amount
    from {{ ref('fct_vendor_claim') }}
    where status = 'open'
    union all
    select
        {{ as_of_date() }} as period_date,
        channel,
        product_category,
        ship_from_site as site,
        null as step_no,
        null as units,
        null as hours,
        null as dock_hours,
        null as claim_days,
        case
            when age_days <= 7 then '0_7'
            when age_days <= 14 then '8_14'
            when age_days <= 30 then '15_30'
            when age_days <= 60 then '31_60'
            else '60_plus'
        end as age,
        open_quantity as open_units,
        open_amount
    from aged

)

select * from final
