{{ config(severity='error', error_if='< 0' if env_var('RUN_BY_A_NIGHT', '') else '> 20', warn_if='> 0', meta={
    'allows': 20,
    'failure_means': 'More units of a receipt were finally disposed of than were received: KPIs per '
    ~ 'disposed unit count goods that do not exist.',
}) }}
select receipts.receipt_id, receipts.quantity, sum(dispositions.net_quantity) as disposed_quantity
from {{ ref('fct_receipt') }} as receipts
inner join {{ ref('fct_disposition') }} as dispositions
    on receipts.receipt_id = dispositions.receipt_id
where dispositions.is_final
    and {{ touched_only('receipts.unit_key') }}
group by receipts.receipt_id, receipts.quantity
having sum(dispositions.net_quantity) > receipts.quantity
