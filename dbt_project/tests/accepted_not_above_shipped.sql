-- returned ≤ shipped per line, where it costs money: units beyond those sold entitle to nothing.
{{ config(meta={
    'failure_means': 'More units of a sales line are refundable than were sold: the entitlement counts '
    ~ 'units twice, or those of another line.',
}) }}
with accepted as (
    select
        unit_key,
        order_no,
        order_line_no,
        sum(units_upto - units_before) as accepted_quantity,
        max(units_upto) as units_upto
    from {{ ref('fct_refund_entitlement') }}
    where {{ touched_only() }}
    group by unit_key, order_no, order_line_no
)

select
    accepted.order_no,
    accepted.order_line_no,
    sales.quantity as sold_quantity,
    accepted.accepted_quantity,
    accepted.units_upto
from accepted
inner join {{ ref('fct_sales_line') }} as sales
    on accepted.order_no = sales.order_no and accepted.order_line_no = sales.line_no
where greatest(accepted.accepted_quantity, accepted.units_upto) > sales.quantity
