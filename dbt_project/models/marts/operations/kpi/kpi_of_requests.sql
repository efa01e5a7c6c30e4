-- Grain: one row per counted return line, on the day it began (basis REQUEST); and one per label, on
-- the day of its first authorization, under the dimensions of its first RMA line.
-- A label may carry lines of several orders; it belongs to the unit of its first RMA line, and whatever
-- changes a label touches all its orders (int_touched_keys). Additive: every measure.
{{ config(meta={'replaces': 'units'}) }}

with lines as (

    select *
    from {{ ref('fct_return_line') }}
    where is_counted and {{ in_touched_units('unit_key') }}

),

cases as (

    select
        return_line_key,
        count(*) as cases,
        coalesce(sum(csat), 0) as csat_points,
        count(csat) as csat_cases
    from {{ ref('fct_case') }}
    where return_line_key is not null and {{ in_touched_units('unit_key') }}
    group by return_line_key

),

requests as (

    select
        lines.unit_key,
        lines.basis_on as period_date,
        lines.channel,
        lines.product_category,
        lines.ship_from_site as site,
        case
            when lines.received_quantity >= lines.approved_quantity then {{ always_mature() }}
            else coalesce({{ utc_date('lines.expires_at') }}, cast('9999-12-31' as date))
        end as mature_on,
        case
            when lines.has_live_rma and lines.approved_quantity > 0 and not lines.is_returnless
                then lines.approved_quantity
        end as approved_units,
        case
            when lines.has_live_rma and lines.approved_quantity > 0 and not lines.is_returnless
                then lines.expired_quantity
        end as expired_units,
        case when lines.is_returnless then lines.requested_quantity else 0 end as returnless_units,
        case when lines.is_returnless then 0 else lines.received_quantity end as received_units,
        1 as lines,
        coalesce(cases.cases, 0) as cases,
        coalesce(cases.csat_points, 0) as csat_points,
        coalesce(cases.csat_cases, 0) as csat_cases,
        cast(null as integer) as labels,
        cast(null as integer) as used_labels
    from lines
    left join cases on lines.return_line_key = cases.return_line_key

),

rma_lines as (

    select *
    from {{ ref('fct_rma_line') }}
    where
        not is_void and {{ is_product('sku') }}
        and tracking_no in (
            select tracking_no from {{ ref('fct_rma_line') }}
            where {{ in_touched_units('unit_key') }}
        )

),

labels as (

    select
        tracking_no,
        min(rma_line_key) filter (where rank_of_line = 1) as rma_line_key,
        {{ utc_date('min(authorized_at)') }} as authorized_on,
        bool_or(label_first_used_at is not null) as is_used,
        case
            when bool_and(expires_at is not null) then {{ utc_date('max(expires_at)') }}
            else cast('9999-12-31' as date)
        end as expires_on
    from (
        select
            *,
            row_number() over (partition by tracking_no order by rma_no, rma_line_no) as rank_of_line
        from rma_lines
    ) as ranked
    group by tracking_no

),

final as (

    select * from requests
    union all
    select
        rma_lines.unit_key,
        labels.authorized_on as period_date,
        rma_lines.channel,
        rma_lines.product_category,
        rma_lines.ship_from_site as site,
        case when labels.is_used then {{ always_mature() }} else labels.expires_on end as mature_on,
        null as approved_units,
        null as expired_units,
        null as returnless_units,
        null as received_units,
        null as lines,
        null as cases,
        null as csat_points,
        null as csat_cases,
        1 as labels,
        case when labels.is_used then 1 else 0 end as used_labels
    from labels
    inner join rma_lines on labels.rma_line_key = rma_lines.rma_line_key
    where {{ in_touched_units('rma_lines.unit_key') }}

)

select * from final
