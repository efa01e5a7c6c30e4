-- Grain: one row per claim that nobody has filed and that can still be: against the vendor of faulty goods, while the
-- window of returns or the warranty lasts; against the carrier of goods that came damaged, or of a parcel that was
-- handed over and never came. The first to file is the one that loses most a day. Additive: units and amounts.
{{ config(materialized='table', indexes=[{'columns': ['kind']}, {'columns': ['deadline_on']}]) }}
{%- set cost_of = 'cast(round(claimable * unit_cost * rate, 2) as numeric(18, 2))' %}

with of_vendors as (

    select
        *,
        -- of what is not the vendor's fault only what went there is for the vendor to credit
        case when fault_party = 'vendor' then units else least(units, sent_units) end as claimable,
        sent_units > 0 as is_sent
    from {{ ref('claim_candidates') }}
    where units > 0 and (fault_party = 'vendor' or sent_units > 0)

),

found as (

    select
        'VENDOR_RETURN:' || receipt_id as claim_key, 'VENDOR_RETURN' as kind,
        vendor_id, cast(null as text) as carrier, receipt_id, return_line_key, rma_no, order_no, tracking_no, sku,
        site, reason, received_on as since_on, window_ends_on as deadline_on, claimable as units,
        {{ cost_of }} as cost, share,
        case
            when is_sent then 'it was sent back, and no claim names it'
            else 'send it back within the vendor''s window, with a claim'
        end as next_step
    from of_vendors
    where window_ends_on >= {{ as_of_date() }}
    union all
    select
        'WARRANTY:' || receipt_id as claim_key, 'WARRANTY' as kind,
        vendor_id, null as carrier, receipt_id, return_line_key, rma_no, order_no, tracking_no, sku,
        site, reason, received_on as since_on, warranty_ends_on as deadline_on, claimable as units,
        {{ cost_of }} as cost, share,
        'the window of returns has ended: claim the warranty' as next_step
    from of_vendors
    where warranty_ends_on >= {{ as_of_date() }} and coalesce(window_ends_on < {{ as_of_date() }}, true)
        and fault_party = 'vendor'
    union all
    select
        'DAMAGED_PARCEL:' || receipt_id as claim_key, 'DAMAGED_PARCEL' as kind,
        null as vendor_id, null as carrier, receipt_id, return_line_key, rma_no, order_no, tracking_no, sku,
        site, reason, received_on as since_on,
        coalesce(delivered_on, received_on) + {{ var('carrier_claim_days') }} as deadline_on,
        quantity as units,
        -- less what the goods have brought all the same
        cast(round(quantity * unit_cost * rate, 2) - recovered as numeric(18, 2)) as cost, 1 as share,
        'tell the carrier of the damage, with pictures from the inspection' as next_step
    from {{ ref('claim_candidates') }}
    where reason = 'DAMAGED_IN_TRANSIT'
        and coalesce(round(quantity * unit_cost * rate, 2) > recovered, true)
        and coalesce(delivered_on, received_on) + {{ var('carrier_claim_days') }} >= {{ as_of_date() }}
    union all
    select
        'LOST_PARCEL:' || return_line_key as claim_key, 'LOST_PARCEL' as kind,
        null as vendor_id, null as carrier, null as receipt_id, return_line_key, rma_no, order_no, tracking_no, sku,
        site, reason, handed_over_on as since_on,
        handed_over_on + {{ var('transit_days') }} + {{ var('carrier_claim_days') }} as deadline_on,
        units, cast(round(units * unit_cost * rate, 2) as numeric(18, 2)) as cost, 1 as share,
        'ask the carrier where the parcel is, and claim it where nobody knows' as next_step
    from {{ ref('parcels_under_way') }}
    where handed_over_on + {{ var('transit_days') }} < {{ as_of_date() }}
        and handed_over_on + {{ var('transit_days') }} + {{ var('carrier_claim_days') }} >= {{ as_of_date() }}

),

carriers as (

    select tracking_no, min(carrier) as carrier
    from {{ ref('fct_shipment_event') }}
    group by tracking_no

)

select
    found.claim_key,
    found.kind,
    found.vendor_id,
    -- no feed tells which carrier brought goods to the customer
    case when found.kind = 'LOST_PARCEL' then carriers.carrier end as carrier,
    {% for column in ['receipt_id', 'return_line_key', 'rma_no', 'order_no', 'tracking_no', 'sku'] -%}
    found.{{ column }},
    {% endfor -%}
    {{ product_name('found.sku') }} as product_name,
    found.site,
    found.reason, found.since_on, found.deadline_on, found.deadline_on - {{ as_of_date() }} as days_left,
    cast(found.units as bigint) as units,
    found.cost as cost_of_goods,
    cast(round(found.cost * found.share, 2) as numeric(18, 2)) as expected_amount,
    cast(round(
        found.cost * found.share / (found.deadline_on - {{ as_of_date() }} + 1), 2
    ) as numeric(18, 2)) as lost_a_day,
    cast('{{ var("reporting_currency") }}' as text) as currency,
    found.next_step
from found
left join carriers on found.tracking_no = carriers.tracking_no
