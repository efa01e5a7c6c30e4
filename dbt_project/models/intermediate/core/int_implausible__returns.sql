-- Grain: one row per record of the touched units and rule that it contradicts: sales, what was asked for,
-- what was authorized, and service cases. Nothing is left out of any figure here; what is told can be
-- asked for at the source.

with sold as (
    select * from {{ ref('int_sales_lines') }}
),

orders as (
    select order_no, min(currency) as first_currency, max(currency) as last_currency
    from sold
    group by order_no
),

sales as (
    select
        sold.*,
        orders.first_currency,
        orders.last_currency,
        sold.ship_from_site in (select site.site from {{ ref('sites') }} as site) as is_known_site,
        exists (  -- noqa: LT01,LT06
            select 1 from {{ ref('int_rma_lines') }} as rma
            where rma.unit_key = sold.unit_key and rma.rma_no = sold.replaces_rma_no
                and rma.order_no = sold.order_no and rma.order_line_no = sold.line_no
        ) as replaces_own_order,
        'erp_sales_lines' as feed,
        sold.sales_line_key as record_key
    from sold
    inner join orders on sold.order_no = orders.order_no
),

requests as (
    select
        asked.*,
        sold.ordered_at,
        sold.quantity as sold_quantity,
        asked.order_no in (select order_no from orders) as is_order_known,
        'crm_return_requests' as feed,
        asked.request_id || '-' || asked.request_line as record_key
    from {{ ref('int_requests') }} as asked
    left join sold
        on asked.unit_key = sold.unit_key
        and asked.order_no = sold.order_no and asked.order_line_no = sold.line_no
),

rmas as (
    select
        rma.*,
        sold.ordered_at,
        sold.sku as sold_sku,
        sold.quantity as sold_quantity,
        rma.order_no in (select order_no from orders) as is_order_known,
        'erp_return_authorizations' as feed,
        rma.rma_line_key as record_key
    from {{ ref('int_rma_lines') }} as rma
    left join sold
        on rma.unit_key = sold.unit_key
        and rma.order_no = sold.order_no and rma.order_line_no = sold.line_no
),

cases as (
    select
        fact.*,
        'crm_cases' as feed,
        fact.case_id as record_key
    from {{ ref('fct_case') }} as fact
    where {{ in_touched_units('fact.unit_key') }}
)

{{ contradictions('returns') }}
