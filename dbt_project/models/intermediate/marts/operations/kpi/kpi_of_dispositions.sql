-- Grain: one row per receipt of a product, on the day it came (basis RETURN): what has become of it; and
-- one per final disposition of it, on the day it left: the outflow of returned stock.
-- Additive: every measure; weights are in grams.
{{ config(
    post_hook="{{ partial_index(this, '(receipt_id)', 'open_units > 0') }}",
    meta={'replaces': 'units'}
) }}

with receipts as (

    select * from {{ ref('fct_receipt') }}
    where is_product and {{ in_touched_units('unit_key') }}

),

dispositions as (

    select
        disposed.*,
        receipts.product_category as receipt_category,
        receipts.site as receipt_site,
        {{ whole_hours('receipts.received_at', 'disposed.disposed_at') }} as hours,
        disposed.net_quantity * coalesce(disposed.weight_g, 0) as grams
    from {{ ref('fct_disposition') }} as disposed
    inner join receipts on disposed.receipt_id = receipts.receipt_id
    where disposed.is_final and disposed.net_quantity > 0

),

disposed as (

    select
        receipt_id,
        sum(net_quantity) as units,
        sum(net_quantity * hours) as hours,
        sum(net_quantity) filter (where disposition = 'RESTOCK') as restocked_units,
        sum(grams) filter (where is_landfill_diverting) as diverted_g,
        sum(grams) filter (where disposition <> 'MISSING') as disposed_g,
        sum(disposal_co2e_g) as co2e_g
    from dispositions
    group by receipt_id

)

select
    receipts.unit_key,
    receipts.receipt_id,
    receipts.received_at,
    receipts.received_on as period_date,
    receipts.channel,
    receipts.product_category,
    receipts.site,
    receipts.quantity as received_units,
    coalesce(disposed.units, 0) as disposed_units,
    {% if carries('wms_dispositions') -%}
    greatest(receipts.quantity - coalesce(disposed.units, 0), 0) as open_units,
    {%- else -%}
    -- none waits for a disposition that will never come
    0 as open_units,
    {%- endif %}
    coalesce(disposed.hours, 0) as disposed_hours,
    coalesce(disposed.restocked_units, 0) as restocked_units,
    coalesce(disposed.diverted_g, 0) as diverted_g,
    coalesce(disposed.disposed_g, 0) as disposed_g,
    coalesce(receipts.transport_co2e_g, 0) + coalesce(disposed.co2e_g, 0) as co2e_g,
    cast(null as bigint) as outflow_units
from receipts
left join disposed on receipts.receipt_id = disposed.receipt_id
union all
select
    unit_key,
    receipt_id,
    null as received_at,
    disposed_on as period_date,
    'UNATTRIBUTED' as channel,
    receipt_category as product_category,
    receipt_site as site,
    null as received_units,
    null as disposed_units,
    null as open_units,
    null as disposed_hours,
    null as restocked_units,
    null as diverted_g,
    null as disposed_g,
    null as co2e_g,
    net_quantity as outflow_units
from dispositions
