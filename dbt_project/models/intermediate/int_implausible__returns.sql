-- Grain: one row per record of the touched units and rule that it contradicts: sales, what was asked for,
-- what was authorized, and service cases. Nothing is left out of any figure here; what is told can be
-- asked for at the source.

{%- set rules = [
    {'rule': 'shipped_before_ordered', 'of': 'sales', 'where': 'shipped_at < ordered_at'},
    {'rule': 'sold_no_units', 'of': 'sales', 'where': 'quantity = 0 and not is_void'},
    {'rule': 'discount_above_price', 'of': 'sales',
     'where': 'discount_amount > round(unit_price * quantity, 2)'},
    {'rule': 'net_is_not_price_less_discount', 'of': 'sales',
     'where': 'abs(unit_price * quantity - discount_amount - net_amount) > 0.02 * greatest(quantity, 1)'},
    {'rule': 'tax_above_net', 'of': 'sales', 'where': 'tax_amount > net_amount'},
    {'rule': 'sku_unknown', 'of': 'sales', 'where': "is_product and product_key = 'LATE_ARRIVING'"},
    {'rule': 'site_unknown', 'of': 'sales',
     'where': "ship_from_site <> 'UNATTRIBUTED' and not is_known_site"},
    {'rule': 'currencies_mixed_in_order', 'of': 'sales', 'where': 'first_currency <> last_currency'},
    {'rule': 'currency_without_rate', 'of': 'sales', 'where': 'net_reporting is null'},
    {'rule': 'more_serials_than_units', 'of': 'sales', 'where': 'cardinality(serial_nos) > quantity'},
    {'rule': 'replaces_itself', 'of': 'sales', 'where': 'replaces_own_order'},
    {'rule': 'requested_before_sale', 'of': 'requests', 'where': 'requested_at < ordered_at'},
    {'rule': 'decided_before_requested', 'of': 'requests', 'where': 'decided_at < requested_at'},
    {'rule': 'requested_no_units', 'of': 'requests', 'where': 'quantity = 0'},
    {'rule': 'requested_above_sold', 'of': 'requests', 'where': 'quantity > sold_quantity'},
    {'rule': 'order_unknown', 'of': 'requests', 'where': 'order_no = unit_key and not is_order_known'},
    {'rule': 'authorized_before_sale', 'of': 'rmas', 'where': 'authorized_at < ordered_at'},
    {'rule': 'expires_before_authorized', 'of': 'rmas', 'where': 'expires_at < authorized_at'},
    {'rule': 'authorized_no_units', 'of': 'rmas', 'where': 'quantity_authorized = 0 and not is_void'},
    {'rule': 'authorized_above_sold', 'of': 'rmas', 'where': 'quantity_authorized > sold_quantity'},
    {'rule': 'sku_not_sold_on_line', 'of': 'rmas', 'where': 'sku <> sold_sku'},
    {'rule': 'order_unknown', 'of': 'rmas', 'where': 'order_no = unit_key and not is_order_known'},
    {'rule': 'closed_before_opened', 'of': 'cases', 'where': 'closed_at < opened_at'},
    {'rule': 'rma_unknown', 'of': 'cases', 'where': 'rma_no is not null and return_line_key is null'},
] %}

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

{% for rule in rules -%}
select unit_key, feed, record_key, '{{ rule.rule }}' as rule from {{ rule.of }} where {{ rule.where }}
{{ 'union all' if not loop.last }}
{% endfor %}
