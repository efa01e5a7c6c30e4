-- Grain: one row per receipt and disposition of hazardous or e-waste goods, and one per receipt whose units
-- still lie there without a final disposition ('OPEN'). Additive: units and grams. Every unit that is not
-- allowed, or lacks its certificate, has an issue in words.
{{ config(
    materialized='table',
    indexes=[{'columns': ['has_issue', 'site']}, {'columns': ['receipt_id']}, {'columns': ['site']},
             {'columns': ['disposition']}]
) }}

with receipts as (

    select
        receipts.*,
        lines.hazmat_class,
        lines.weee_category,
        lines.weight_g as unit_weight_g
    from {{ ref('fct_receipt') }} as receipts
    inner join {{ ref('fct_return_line') }} as lines
        on receipts.return_line_key = lines.return_line_key
    where receipts.is_product
        and (lines.hazmat_class is not null or lines.weee_category is not null)

),

ended as (

    select
        receipts.receipt_id,
        dispositions.disposition_id,
        dispositions.disposition,
        dispositions.disposed_on,
        dispositions.certificate_no,
        dispositions.net_quantity as quantity,
        dispositions.is_allowed_for_class,
        dispositions.is_certificate_missing
    from receipts
    inner join {{ ref('fct_disposition') }} as dispositions
        on receipts.receipt_id = dispositions.receipt_id
    where dispositions.is_final and dispositions.net_quantity > 0

),

still_there as (

    select
        receipts.receipt_id,
        'OPEN' as disposition_id,
        'OPEN' as disposition,
        cast(null as date) as disposed_on,
        cast(null as text) as certificate_no,
        receipts.quantity - coalesce(sum(ended.quantity), 0) as quantity,
        cast(null as boolean) as is_allowed_for_class,
        false as is_certificate_missing
    from receipts
    left join ended on receipts.receipt_id = ended.receipt_id
    group by receipts.receipt_id, receipts.quantity
    having receipts.quantity > coalesce(sum(ended.quantity), 0)

),

parts as (

    select * from ended
    union all
    select * from still_there

)

select
    receipts.receipt_id,
    parts.disposition_id,
    receipts.return_line_key,
    receipts.sku,
    {{ product_name('receipts.sku') }} as product_name,
    receipts.product_category,
    receipts.hazmat_class,
    receipts.weee_category,
    receipts.site,
    receipts.received_on,
    parts.disposition,
    parts.disposed_on,
    parts.certificate_no,
    cast(parts.quantity as bigint) as quantity,
    cast(parts.quantity * receipts.unit_weight_g as bigint) as weight_g,
    parts.is_allowed_for_class,
    parts.is_certificate_missing,
    coalesce(not parts.is_allowed_for_class, false) or parts.is_certificate_missing as has_issue,
    case
        when not parts.is_allowed_for_class
            then parts.disposition || ' is not allowed for '
                || coalesce('hazard class ' || receipts.hazmat_class, 'e-waste category ' || receipts.weee_category)
        when parts.is_certificate_missing then 'certificate number is missing'
    end as issue
from parts
inner join receipts on parts.receipt_id = receipts.receipt_id
