{{ config(indexes=[
    {'columns': ['exchange_sales_line_key'], 'unique': true}, {'columns': ['unit_key']},
    {'columns': ['return_line_key']}, {'columns': ['rma_no']},
]) }}
-- Grain: one row per sales line that replaces returned goods, with the return line that it replaces.
-- Units of one RMA and one style pair off in order, exchanges before replacements, each line with that of its first
-- unit; beyond what was authorized they go to the style's last line, of another style to the RMA's first. Unit is
-- the replacing order. Quantities add up.

with replacing as (
    select * from {{ ref('int_sales_lines') }} where replaces_rma_no is not null and not is_void
),

-- All that replaces the same RMAs, touched or not: they pair off together
sales as (
    select
        sale.sales_line_key,
        sale.replaces_rma_no as rma_no,
        sale.style,
        sum(sale.quantity) over (
            partition by sale.replaces_rma_no, sale.style order by sale.order_no, sale.line_no
        ) - sale.quantity + 1 as unit_no
    from {{ ref('stg_erp__sales_lines') }} as row_of_erp
    inner join {{ ref('fct_sales_line') }} as sale
        on sale.sales_line_key = row_of_erp.order_no || '-' || row_of_erp.line_no
    where row_of_erp.replaces_rma_no in (select replaces_rma_no from replacing)
        and not sale.is_void
),

rma_lines as (
    select
        rma.rma_no,
        rma.rma_line_no,
        rma.rma_line_key,
        rma.return_line_key,
        lines.style,
        sum(rma.quantity_authorized) over of_style as upto,
        sum(rma.quantity_authorized) over of_style - rma.quantity_authorized as units_before,
        lead(rma.rma_line_key) over of_style is null as is_last_of_style,
        row_number() over (
            partition by rma.rma_no order by rma.resolution, rma.rma_line_no
        ) as place_in_rma
    from {{ ref('fct_rma_line') }} as rma
    inner join {{ ref('fct_return_line') }} as lines on rma.return_line_key = lines.return_line_key
    where rma.rma_no in (select replaces_rma_no from replacing)
        and not rma.is_void
        and rma.resolution in ('exchange', 'replacement')
    window of_style as (partition by rma.rma_no, lines.style order by rma.resolution, rma.rma_line_no)
)

select
    replacing.unit_key,
    replacing.sales_line_key as exchange_sales_line_key,
    replacing.order_no as exchange_order_no,
    replacing.line_no as exchange_line_no,
    replacing.replaces_rma_no as rma_no,
    coalesce(paired.rma_line_key, first_line.rma_line_key) as rma_line_key,
    coalesce(paired.return_line_key, first_line.return_line_key) as return_line_key,
    case
        when paired.rma_line_key is not null then 'style'
        when first_line.rma_line_key is not null then 'rma'
        else 'none'
    end as match_rule,
    replacing.sku,
    replacing.quantity,
    replacing.ordered_on,
    replacing.shipped_on
from replacing
left join sales on replacing.sales_line_key = sales.sales_line_key
left join rma_lines as paired
    on sales.rma_no = paired.rma_no and sales.style = paired.style and sales.unit_no > paired.units_before
    and (sales.unit_no <= paired.upto or paired.is_last_of_style)
left join rma_lines as first_line
    on replacing.replaces_rma_no = first_line.rma_no and first_line.place_in_rma = 1
