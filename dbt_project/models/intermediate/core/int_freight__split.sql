-- Grain: one row per carrier charge and RMA line of its parcel, for the touched units. A charge is
-- split over all lines of the parcel that are not void, by authorized quantity with cumulative
-- rounding, so the parts re-add to the charge; lines of untouched orders are split and left out.
-- A parcel that no RMA names is a unit of its own and its charge has no return line.

with charges as (
    {{ working_set(ref('stg_wms__carrier_invoices'), [
        'tracking_no in (select tracking_no from ' ~ ref('int_rma_lines') ~ ')',
        'tracking_no in (' ~ lone_units('TRK:') ~ ')',
    ]) }}
),

split as (
    select
        charges.*,
        rma.unit_key as rma_unit_key,
        rma.rma_no,
        rma.rma_line_no,
        rma.quantity_authorized as weight,
        sum(rma.quantity_authorized) over (
            charge_window order by rma.rma_no, rma.rma_line_no
            rows between unbounded preceding and current row
        ) as running,
        sum(rma.quantity_authorized) over charge_window as total,
        row_number() over (charge_window order by rma.rma_no, rma.rma_line_no) as row_no
    from charges
    inner join {{ ref('int_rma_units') }} as rma
        on charges.tracking_no = rma.tracking_no and not rma.is_void
    window charge_window as (
        partition by charges.invoice_no, charges.tracking_no, charges.charge_type
    )
),

lines as (
    select * from {{ ref('int_rma_lines') }}
)

select
    split.rma_unit_key as unit_key,
    lines.return_line_key,
    split.invoice_no || '/' || split.tracking_no || '/' || split.charge_type as charge_key,
    split.rma_no || '-' || split.rma_line_no as rma_line_key,
    split.tracking_no,
    {{ cumulative_share('split.amount', 'split.weight', 'split.running', 'split.total',
        'split.row_no') }} as amount,
    split.currency,
    split.invoiced_on
from split
inner join lines on split.rma_no = lines.rma_no and split.rma_line_no = lines.rma_line_no
where {{ in_touched_units('split.rma_unit_key') }}
union all
select
    'TRK:' || charges.tracking_no as unit_key,
    null as return_line_key,
    charges.invoice_no || '/' || charges.tracking_no || '/' || charges.charge_type as charge_key,
    'none' as rma_line_key,
    charges.tracking_no,
    charges.amount,
    charges.currency,
    charges.invoiced_on
from charges
where not exists (
    select 1 from {{ ref('int_rma_units') }} as rma
    where rma.tracking_no = charges.tracking_no and not rma.is_void
)
    and {{ in_touched_units("'TRK:' || charges.tracking_no") }}
