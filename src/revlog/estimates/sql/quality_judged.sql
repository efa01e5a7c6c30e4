-- Receipts by the day (of 1970) and week of the inspection that holds: where, who brought them, how they were graded
-- (only grades at which less than half of the cost is left), and whether the inspector found damage of the way that the
-- customer had not told, so that it happened on the way back; empty where the customer had told it.
with carriers as (

    select tracking_no, min(carrier) as carrier
    from core.fct_shipment_event
    where leg = 'return' and tracking_no in (select tracking_no from core.fct_return_line)
    group by tracking_no

),

judged as (

    select
        inspections.site,
        coalesce(carriers.carrier, '') as carrier,
        coalesce(lines.product_category, 'UNKNOWN') as product_category,
        (inspections.inspected_on - date '1970-01-05') / 7 as week,
        inspections.inspected_on - date '1970-01-01' as day,
        case when grades.restock_factor < 0.5 then grades.grade else '' end as grade,
        case when lines.reason is distinct from 'DAMAGED_IN_TRANSIT'
            then coalesce(inspections.confirmed_reason = 'DAMAGED_IN_TRANSIT', false) end as is_damaged,
        receipts.quantity
    from core.fct_inspection as inspections
    inner join core.fct_receipt as receipts on inspections.receipt_id = receipts.receipt_id
    inner join core.fct_return_line as lines on receipts.return_line_key = lines.return_line_key
    left join carriers on lines.tracking_no = carriers.tracking_no
    left join core.dim_grade as grades on inspections.grade = grades.grade
    where inspections.is_latest and receipts.is_product
        and inspections.inspected_on >= %(since)s and inspections.inspected_on <= %(as_of)s

)

select
    site, carrier, product_category, week, day, grade, is_damaged,
    count(*) as orders,
    cast(sum(quantity) as bigint) as units
from judged
group by site, carrier, product_category, week, day, grade, is_damaged
