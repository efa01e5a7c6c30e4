-- Every received unit with a hazard class or e-waste category is on the list once.
{{ config(meta={'failure_means': 'A hazardous or e-waste unit is not on the list: it could be disposed of unseen.'}) }}
with mart as (

    select receipt_id, sum(quantity) as quantity
    from {{ ref('regulated_units') }}
    group by receipt_id

),

core as (

    select receipts.receipt_id, receipts.quantity
    from {{ ref('fct_receipt') }} as receipts
    inner join {{ ref('fct_return_line') }} as lines
        on receipts.return_line_key = lines.return_line_key
    where receipts.is_product
        and (lines.hazmat_class is not null or lines.weee_category is not null)

)

select core.receipt_id, core.quantity, mart.quantity as listed
from core
left join mart on core.receipt_id = mart.receipt_id
where core.quantity > coalesce(mart.quantity, 0)
