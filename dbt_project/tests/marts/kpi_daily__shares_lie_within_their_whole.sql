-- A share's numerator counts some of what its denominator counts: in every cell between none and all.
{{ config(meta={'failure_means': 'A share counts something above the line that it does not count below.'}) }}
select *
from {{ ref('kpi_cells') }}
where
    (
        kpi in (
            'order_return_rate', 'bracketing_rate', 'restock_rate', 'reason_confirmation_rate',
            'policy_violation_rate', 'policy_exception_rate', 'serial_mismatch_rate',
            'landfill_diversion_rate', 'no_show_rate', 'label_use_rate', 'returnless_share',
            'refund_late_share', 'vendor_recovery_rate'
        )
        or kpi like 'open_return_%'
    )
    and (numerator < 0 or numerator > denominator)
    and {{ in_changed_slices() }}
