{{ config(severity='warn', meta={
    'failure_means': 'More units of a sales line came back than were shipped: a wrong RMA line, a '
    ~ 'receipt counted twice, or a shipment that the ERP has not reported yet.',
}) }}
select sales_line_key, shipped_quantity, received_quantity
from {{ ref('fct_sales_line') }}
where received_quantity > shipped_quantity
    and is_product
    and {{ touched_only() }}
