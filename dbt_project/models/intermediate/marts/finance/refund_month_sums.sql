-- Grain: one row per fiscal period and currency of a group: what was credited, issued, paid and posted in it, each by
-- its own date, with the chargebacks in what was paid and the processor's fees on refunds. Not published.
{{ config(materialized='table') }}

with documents as (
    select documents.*, rates.rate
    from {{ ref('refund_documents') }} as documents
    inner join {{ ref('refund_groups') }} as groups on documents.group_key = groups.group_key
    left join {{ ref('refund_group_rates') }} as rates on documents.group_key = rates.group_key
    where documents.effective_on <= {{ as_of_date() }}
),

fees as (
    select
        documents.document_key,
        case when documents.is_converted
            then round(-fact.fee_amount * documents.group_amount / nullif(documents.amount, 0), 2)
            else -fact.fee_amount
        end as fee_amount
    from documents
    inner join {{ ref('fct_settlement') }} as fact on documents.document_no = fact.settlement_id
    where documents.leg = 'P' and documents.document_type = 'refund'
),

-- Months in which only the class of a gap changed have no document
cells as (
    select period, group_currency as currency from documents
    union
    select period, currency from {{ ref('refund_gap_periods') }}
)

select
    cells.period,
    cells.currency,
    {%- for column, condition in [
        ('credited', "documents.leg = 'M'"), ('issued', "documents.leg = 'T'"), ('paid', "documents.leg = 'P'"),
        ('posted', "documents.leg = 'G'"), ('charged_back', "documents.document_type = 'chargeback'"),
    ] %}
    coalesce(sum(documents.group_amount) filter (where {{ condition }}), 0) as {{ column }}_amount,
    coalesce(sum(documents.group_amount * documents.rate) filter (where {{ condition }}), 0)
        as {{ column }}_reporting,
    {%- endfor %}
    coalesce(sum(fees.fee_amount), 0) as fee_amount,
    coalesce(sum(fees.fee_amount * documents.rate), 0) as fee_reporting
from cells
left join documents
    on cells.period = documents.period and cells.currency = documents.group_currency
left join fees on documents.document_key = fees.document_key
group by cells.period, cells.currency
