-- Grain: one row per customer (keyed hash, merges followed): purchases, returns, refunds, contacts, and the
-- next step of the open returns. Amounts in the reporting currency, at the day of each sale or refund.
-- Additive over customers: counts, units and amounts; null, not 0, where what would tell has not come.
{{ config(materialized='table', indexes=[{'columns': ['open_returns']}]) }}

with customers as (

    select
        customer_id,
        survivor_customer_id,
        segment,
        country,
        created_at
    from {{ ref('dim_customer') }}
    where is_current and not is_unknown

),

purchases as (

    select * from {{ ref('customer_purchases') }}

),

lines as (

    select
        coalesce(customers.survivor_customer_id, lines.customer_id) as customer_id,
        lines.return_line_key,
        lines.status,
        lines.open_quantity,
        lines.next_step,
        {{ business_day('lines.in_status_since') }} + lines.limit_days as next_step_due_on,
        row_number() over (
            partition by coalesce(customers.survivor_customer_id, lines.customer_id)
            order by
                coalesce(lines.requested_at, lines.approved_at, lines.first_received_at),
                lines.return_line_key
        ) as age_rank
    from {{ ref('return_positions') }} as lines
    left join customers on lines.customer_id = customers.customer_id
    where lines.customer_id is not null and lines.is_open

),

open_lines as (

    select
        customer_id,
        count(*) as open_returns,
        sum(open_quantity) as open_units,
        min(return_line_key) filter (where age_rank = 1) as oldest_open_return,
        min(status) filter (where age_rank = 1) as oldest_open_status,
        min(next_step) filter (where age_rank = 1) as next_step,
        min(next_step_due_on) filter (where age_rank = 1) as next_step_due_on
    from lines
    group by customer_id

),

return_lines as (

    select
        coalesce(customers.survivor_customer_id, lines.customer_id) as customer_id,
        count(*) as return_lines,
        count(*) filter (where lines.is_returnless) as returnless_lines,
        max(lines.basis_on) as last_return_on
    from {{ ref('fct_return_line') }} as lines
    left join customers on lines.customer_id = customers.customer_id
    where lines.is_counted and lines.customer_id is not null
    group by coalesce(customers.survivor_customer_id, lines.customer_id)

),

-- What came back under the customer's number, of no known sale that shipped: at the value of its memo, or of
-- the sale
beside_sales as (

    select
        coalesce(customers.survivor_customer_id, lines.customer_id) as customer_id,
        sum(came.received_units) as returned_units,
        sum(came.returned_amount) as returned_value
    from {{ ref('kpi_of_receipts') }} as came
    inner join {{ ref('fct_receipt') }} as receipts on came.receipt_id = receipts.receipt_id
    inner join {{ ref('fct_return_line') }} as lines on receipts.return_line_key = lines.return_line_key
    left join customers on lines.customer_id = customers.customer_id
    where came.sold_units is null and lines.customer_id is not null
    group by coalesce(customers.survivor_customer_id, lines.customer_id)

),

refunds as (

    select
        coalesce(customers.survivor_customer_id, refunds.customer_id) as customer_id,
        sum(refunds.reporting_amount) filter (where refunds.status = 'succeeded') as refunded_value,
        sum(refunds.reporting_amount) filter (where refunds.status in ('pending', 'requires_action'))
            as pending_refund_value
    from {{ ref('fct_refund_tender') }} as refunds
    left join customers on refunds.customer_id = customers.customer_id
    where refunds.customer_id is not null
    group by coalesce(customers.survivor_customer_id, refunds.customer_id)

),

contacts as (

    select
        coalesce(customers.survivor_customer_id, cases.customer_id) as customer_id,
        count(*) as contacts,
        count(*) filter (where cases.is_open) as open_contacts,
        max(cases.opened_on) as last_contact_on,
        sum(cases.csat) as csat_sum,
        count(cases.csat) as csat_answers
    from {{ ref('fct_case') }} as cases
    left join customers on cases.customer_id = customers.customer_id
    where cases.customer_id is not null
    group by coalesce(customers.survivor_customer_id, cases.customer_id)

),

-- How much of what came back leads to a customer
counted as (

    select
        (select coalesce(sum(received_units), 0) from {{ ref('kpi_of_receipts') }}) as units,
        (select coalesce(sum(returned_units), 0) from purchases)
        + (select coalesce(sum(returned_units), 0) from beside_sales) as units_of_customers

),

judged as (

    select
        case
            when completeness.completeness = 'lacking' then 'lacking'
            when counted.units > 0 and counted.units_of_customers = 0 then 'lacking'
            when counted.units > counted.units_of_customers then 'partly'
            else completeness.completeness
        end as completeness,
        case
            when completeness.completeness = 'lacking' then completeness.reason
            when counted.units > 0 and counted.units_of_customers = 0
                then 'no return that came has a known customer'
            when counted.units > counted.units_of_customers
                then 'leaves out returns without a known customer'
            else completeness.reason
        end as reason
    from {{ ref('kpi_completeness') }} as completeness
    cross join counted
    -- which counts all that came
    where completeness.kpi = 'product_return_rate' and completeness.basis = 'RETURN'

),

-- What has come of the feeds that tell it
told as (

    select
        -- else receipts alone tell whose they are, as far as a customer is known
        bool_or(feeds.has_come and feeds.feed in ('crm_return_requests', 'erp_return_authorizations'))
        or max(judged.completeness) <> 'lacking' as tells_returns,
        bool_or(feeds.has_come and feeds.feed = 'crm_refunds') as tells_refunds,
        bool_or(feeds.has_come and feeds.feed = 'crm_cases') as tells_contacts,
        max(judged.completeness) as completeness,
        max(judged.reason) as completeness_reason
    from {{ ref('dim_feed') }} as feeds
    cross join judged

),

keys as (

    select survivor_customer_id as customer_id from customers
    union
    select customer_id from purchases
    union
    select customer_id from return_lines
    union
    select customer_id from beside_sales
    union
    select customer_id from refunds
    union
    select customer_id from contacts

)

select
    keys.customer_id,
    customers.segment,
    customers.country,
    {{ business_day('customers.created_at') }} as created_on,
    -- purchases
    coalesce(purchases.orders, 0) as orders,
    cast(coalesce(purchases.purchased_units, 0) as bigint) as purchased_units,
    cast(coalesce(purchases.purchased_value, 0) as numeric(18, 2)) as purchased_value,
    purchases.first_ordered_on,
    purchases.last_ordered_on,
    -- returns
    case when told.tells_returns then coalesce(return_lines.return_lines, 0) end as return_lines,
    case when told.tells_returns then coalesce(return_lines.returnless_lines, 0) end as returnless_lines,
    {%- set returned_units = 'coalesce(purchases.returned_units, 0) + coalesce(beside_sales.returned_units, 0)' %}
    {{ known(returned_units, 'told.completeness', 'bigint') }} as returned_units,
    -- of what came without a sale, nobody knows the value where no memo credits it
    {{ known(
        'case when ' ~ returned_units ~ ' = 0 then 0 when purchases.returned_units > 0'
        ~ ' then purchases.returned_value + coalesce(beside_sales.returned_value, 0)'
        ~ ' else beside_sales.returned_value end',
        'told.completeness', 'numeric(18, 2)'
    ) }} as returned_value,
    {{ known(
        'round(cast(' ~ returned_units ~ ' as numeric) / nullif(purchases.purchased_units, 0), 4)',
        'told.completeness', 'numeric(12, 4)'
    ) }} as unit_return_rate,
    return_lines.last_return_on,
    -- what is open
    case when told.tells_returns then coalesce(open_lines.open_returns, 0) end as open_returns,
    cast(case when told.tells_returns then coalesce(open_lines.open_units, 0) end as bigint) as open_units,
    open_lines.oldest_open_return,
    open_lines.oldest_open_status,
    open_lines.next_step,
    open_lines.next_step_due_on,
    -- refunds
    cast(case when told.tells_refunds then coalesce(refunds.refunded_value, 0) end as numeric(18, 2))
        as refunded_value,
    cast(case when told.tells_refunds then coalesce(refunds.pending_refund_value, 0) end as numeric(18, 2))
        as pending_refund_value,
    cast('{{ var("reporting_currency") }}' as text) as currency,
    -- contacts
    case when told.tells_contacts then coalesce(contacts.contacts, 0) end as contacts,
    case when told.tells_contacts then coalesce(contacts.open_contacts, 0) end as open_contacts,
    contacts.last_contact_on,
    cast(case when told.tells_contacts then coalesce(contacts.csat_sum, 0) end as bigint) as csat_sum,
    case when told.tells_contacts then coalesce(contacts.csat_answers, 0) end as csat_answers,
    -- what of the returns and their rate is known
    told.completeness,
    told.completeness_reason
from keys
cross join told
left join customers on keys.customer_id = customers.customer_id
left join purchases on keys.customer_id = purchases.customer_id
left join open_lines on keys.customer_id = open_lines.customer_id
left join return_lines on keys.customer_id = return_lines.customer_id
left join beside_sales on keys.customer_id = beside_sales.customer_id
left join refunds on keys.customer_id = refunds.customer_id
left join contacts on keys.customer_id = contacts.customer_id
