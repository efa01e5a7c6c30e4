-- Grain: one row per receipt of a product. What a day's goods at the dock (basis RETURN) add up from.
-- Additive: every measure.
{{ config(
    meta={
        'replaces': 'units',
        'kpis': [
            {'kpi': 'product_return_rate', 'basis': 'RETURN',
             'numerator': 'received_units', 'denominator': '0'},
        ],
        'posts': [
            {'to': 'product_months',
             'keys': {'month': "cast(date_trunc('month', period_date) as date)",
                      'currency': "'" ~ var('reporting_currency') ~ "'"},
             'sums': {'returned_quantity': 'received_units'}},
        ],
    }
) }}

with receipts as (

    select * from {{ ref('fct_receipt') }}
    where is_product and {{ in_touched_units('unit_key') }}

),

final as (

    select
        unit_key,
        receipt_id,
        received_on as period_date,
        channel,
        product_category,
        site,
        sku,
        cast(quantity as bigint) as received_units
    from receipts

)

select * from final
