{{ config(indexes=[{'columns': ['return_line_key'], 'unique': true}]) }}
-- Grain: one row per return line of the touched units, with its status. The status follows from what
-- happened: evidence from the warehouse outweighs the ERP's, and the ERP's outweighs the CRM's. An
-- authorization lapses at the end of the business date, so that one clock decides. The way of the goods
-- ends where the company's feeds tell of it last (macro end_of_goods), so that nothing stays open for ever.
{%- set end = end_of_goods() %}

with judged as (
    select
        *,
        first_refunded_at is not null or credited_amount <> 0 or is_closed_in_kind as is_settled,
        received_quantity = 0 and live_rma_lines = 0
            and coalesce(decision = 'DECLINED', false) as is_declined,
        received_quantity = 0 and live_rma_lines = 0
            and coalesce(decision <> 'DECLINED', true)
            and (rma_lines > 0 or coalesce(decision = 'CANCELLED', false)) as is_cancelled,
        -- goods that came back nevertheless are a return like any other
        is_returnless_granted and received_quantity = 0 as is_returnless,
        case
            when live_rma_lines > 0 then live_authorized_quantity
            when decision = 'APPROVED' and rma_lines = 0 then requested_quantity
            else 0
        end as approved_quantity,
        greatest(
            received_quantity,
            case
                when live_rma_lines > 0 then live_authorized_quantity
                -- refused or withdrawn, and yet here: nothing more is awaited
                when received_quantity > 0 and decision in ('DECLINED', 'CANCELLED') then 0
                when received_quantity > 0 and rma_lines > 0 then 0
                when rma_lines > 0 then authorized_quantity
                else requested_quantity
            end
        ) as expected_quantity
    from {{ ref('int_return_line_progress') }}
),

{% if counts_goods() -%}
ended as (
    select
        *,
        {{ end }}_quantity as ended_quantity,
        last_{{ end }}_at as last_ended_at,
        received_quantity as come_quantity
    from judged
),
{%- else -%}
told as (
    select
        *,
        not is_declined and not is_cancelled and not is_returnless
        and {{ 'is_settled' if end == 'settled' else 'approved_quantity > 0' }} as has_ended,
        {{ 'greatest(first_refunded_at, last_credited_at, closed_in_kind_at)' if end == 'settled'
            else 'coalesce(authorized_at, decided_at)' }} as told_at
    from judged
),

-- Whole, as soon as what is told last of a return is told
ended as (
    select
        *,
        case when has_ended then expected_quantity else 0 end as ended_quantity,
        case when has_ended then told_at end as last_ended_at,
        case when has_ended then expected_quantity else 0 end as come_quantity
    from told
),
{%- endif %}

lapsed as (
    select
        *,
        case
            when not is_declined and not is_cancelled and not is_returnless
                and live_rma_lines > 0 and expires_at < {{ as_of_end() }}
                then expected_quantity - come_quantity
            else 0
        end as expired_quantity
    from ended
),

weighed as (
    select
        *,
        case
            when is_declined or is_cancelled or is_returnless then 0
            else greatest(expected_quantity - expired_quantity - ended_quantity, 0)
        end as open_quantity,
        greatest(least(processed_quantity, received_quantity - disposed_quantity), 0)
            as in_process_quantity,
        expected_quantity - expired_quantity - received_quantity as awaited_quantity
    from lapsed
),

named as (
    select
        *,
        case
            when is_declined then 'DECLINED'
            when is_cancelled then 'CANCELLED'
            when is_returnless then case when is_settled then 'CLOSED' else 'APPROVED' end
            {%- if end == 'settled' %}
            when ended_quantity > 0 then 'CLOSED'
            {%- endif %}
            when received_quantity = 0 and expired_quantity > 0 then 'EXPIRED'
            when received_quantity = 0 and first_scan_at is not null then 'IN_TRANSIT'
            when received_quantity = 0 and approved_quantity > 0 then 'APPROVED'
            when received_quantity = 0 then 'REQUESTED'
            when awaited_quantity > 0 then 'PARTIALLY_RECEIVED'
            when ended_quantity >= received_quantity
                then case when is_settled then 'CLOSED' else '{{ end | upper }}' end
            when in_process_quantity > 0 or disposed_quantity > 0 then 'IN_PROCESS'
            when inspected_quantity > 0 then 'INSPECTED'
            else 'RECEIVED'
        end as status
    from weighed
)

select
    unit_key,
    return_line_key,
    status,
    is_declined or is_cancelled as is_void,
    is_returnless,
    live_rma_lines > 0 as has_live_rma,
    has_illegal_transition,
    -- quantities
    requested_quantity,
    approved_quantity,
    expected_quantity,
    received_quantity,
    inspected_quantity,
    disposed_quantity,
    ended_quantity,
    in_process_quantity,
    open_quantity,
    expired_quantity,
    -- timing
    coalesce(requested_at, authorized_at, first_received_at) as basis_at,
    requested_at,
    decided_at,
    case when is_declined then decided_at end as declined_at,
    case when is_cancelled then coalesce(voided_at, decided_at) end as cancelled_at,
    case when approved_quantity > 0 then coalesce(authorized_at, decided_at) end as approved_at,
    authorized_at,
    expires_at,
    first_scan_at,
    delivered_at,
    first_received_at,
    last_received_at,
    first_inspected_at,
    last_inspected_at,
    first_disposed_at,
    last_disposed_at,
    first_refunded_at,
    case when expired_quantity > 0 then expires_at end as expired_at,
    case when status = 'CLOSED' then greatest(last_ended_at, first_refunded_at, closed_in_kind_at) end
        as closed_at,
    case
        when open_quantity > 0 then null
        when is_declined then decided_at
        when is_cancelled then coalesce(voided_at, decided_at)
        when is_returnless then coalesce(first_refunded_at, decided_at, requested_at, authorized_at)
        else greatest(
            last_ended_at, last_received_at, case when expired_quantity > 0 then expires_at end
        )
    end as ended_at,
    -- amounts
    credited_amount,
    credited_merchandise_amount,
    settled_amount,
    refunded_amount
from named
