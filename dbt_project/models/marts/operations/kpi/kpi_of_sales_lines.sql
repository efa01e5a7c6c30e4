-- Grain: one row per product line of an order that was shipped or came back, and per blind receipt
-- whose sale is not known. What a shipping cohort (basis SALE) adds up from.
-- Additive: every measure.
{{ config(
    meta={
        'replaces': 'units',
        'kpis': [
            {'kpi': 'product_return_rate', 'basis': 'SALE', 'mature_on': 'mature_on',
             'numerator': 'returned_units', 'denominator': 'shipped_units'},
            {'kpi': 'product_return_rate', 'basis': 'RETURN',
             'numerator': '0', 'denominator': 'nullif(shipped_units, 0)'},
        ],
        'posts': [
            {'to': 'product_months', 'where': 'shipped_units > 0',
             'keys': {'month': "cast(date_trunc('month', period_date) as date)",
                      'currency': "'" ~ var('reporting_currency') ~ "'"},
             'sums': {'shipped_quantity': 'shipped_units'}},
        ],
    }
) }}

with sales_lines as (

    select * from {{ ref('fct_sales_line') }}
    where {{ in_touched_units('unit_key') }}

),

blind_receipts as (

    select * from {{ ref('fct_receipt') }}
    where sales_line_key is null and {{ in_touched_units('unit_key') }}

),

final as (

    select
        unit_key,
        coalesce(shipped_on, ordered_on) as period_date,
        channel,
        product_category,
        ship_from_site as site,
        sku,
        coalesce(
            shipped_on + cast(return_window_days as integer) + {{ var('transit_days') }},
            {{ always_mature() }}
        ) as mature_on,
        cast(shipped_quantity as bigint) as shipped_units,
        cast(received_quantity as bigint) as returned_units
    from sales_lines
    where is_product and (shipped_quantity > 0 or received_quantity > 0)
    union all
    select
        unit_key,
        received_on as period_date,
        'UNATTRIBUTED' as channel,
        product_category,
        'UNATTRIBUTED' as site,
        sku,
        {{ always_mature() }} as mature_on,
        0 as shipped_units,
        cast(quantity as bigint) as returned_units
    from blind_receipts
    where is_product

)

select * from final
