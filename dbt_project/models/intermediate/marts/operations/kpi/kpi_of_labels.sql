-- Grain: one row per label of a live RMA line, on the day of its first authorization (basis REQUEST),
-- under the dimensions of its first RMA line.
-- A label may carry lines of several orders; it belongs to the unit of its first line, and whatever
-- changes a label touches all its orders (int_touched_keys). Additive: every measure.
{{ config(meta={'replaces': 'units'}) }}

with rma_lines as (

    select
        *,
        row_number() over (partition by tracking_no order by rma_no, rma_line_no) as rank_of_line
    from {{ ref('fct_rma_line') }}
    where
        not is_void and is_product
        and tracking_no in (
            select touched.tracking_no from {{ ref('fct_rma_line') }} as touched
            where {{ in_touched_units('touched.unit_key') }}
        )

),

labels as (

    select
        tracking_no,
        {{ business_day('min(authorized_at)') }} as authorized_on,
        bool_or(label_first_used_at is not null) as is_used,
        case when bool_and(expires_at is not null) then {{ business_day('max(expires_at)') }} end
            as expires_on
    from rma_lines
    group by tracking_no

)

select
    rma_lines.unit_key,
    labels.tracking_no,
    labels.authorized_on as period_date,
    rma_lines.channel,
    rma_lines.product_category,
    rma_lines.ship_from_site as site,
    coalesce(labels.expires_on, {{ never_mature() }}) as mature_on,
    1 as labels,
    case when labels.is_used then 1 else 0 end as used_labels
from labels
inner join rma_lines on labels.tracking_no = rma_lines.tracking_no and rma_lines.rank_of_line = 1
where {{ in_touched_units('rma_lines.unit_key') }}
