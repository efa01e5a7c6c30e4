-- Grain: one row per return line and way in which some of its units left the process, or have not.
-- Units of a line end apart (two restocked in May, one still open), so cycle time is counted in units.
-- Additive: quantity, and quantity * hours. Not published; kpi_daily and return_cycle_time read it.
{{ config(materialized='table') }}

with lines as (

    select * from {{ ref('fct_return_line') }}
    where not is_returnless

),

disposed as (

    select
        lines.return_line_key,
        'disposed' as outcome,
        dispositions.disposed_at as ended_at,
        dispositions.net_quantity as quantity
    from lines
    inner join {{ ref('fct_disposition') }} as dispositions
        on dispositions.return_line_key = lines.return_line_key
    where lines.is_counted and dispositions.is_final and dispositions.net_quantity > 0

),

refused as (

    select
        return_line_key,
        case when declined_at is not null then 'declined' else 'cancelled' end as outcome,
        coalesce(declined_at, cancelled_at) as ended_at,
        greatest(requested_quantity, approved_quantity) as quantity
    from lines
    where is_void

),

expired as (

    select
        return_line_key,
        'expired' as outcome,
        expires_at as ended_at,
        expired_quantity as quantity
    from lines
    where is_counted and expired_quantity > 0

),

still_open as (

    select
        return_line_key,
        'open' as outcome,
        {{ as_of_end() }} as ended_at,
        expected_quantity - disposed_quantity - expired_quantity as quantity
    from lines
    where is_counted and expected_quantity > disposed_quantity + expired_quantity

),

ended as (

    select * from disposed
    union all
    select * from refused
    union all
    select * from expired
    union all
    select * from still_open

),

final as (

    select
        ended.return_line_key,
        lines.basis_on as requested_on,
        lines.channel,
        lines.product_category,
        lines.site,
        ended.outcome,
        ended.ended_at,
        ended.quantity,
        -- Whole hours, so that sums are exact and anybody can repeat them.
        greatest(
            0, cast(floor(extract(epoch from ended.ended_at - lines.basis_at) / 3600) as bigint)
        ) as hours
    from ended
    inner join lines
        on lines.return_line_key = ended.return_line_key
    where ended.ended_at is not null and ended.quantity > 0

)

select * from final
