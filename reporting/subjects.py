"""The questions that KPIs answer, so that thirty of them can be read one question at a time."""

from __future__ import annotations

# Question, who asks it first, and the KPIs that answer it; a KPI's parts (name.part) follow it.
SUBJECTS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (
        "What comes back?",
        "operations",
        (
            "product_return_rate", "return_value_rate", "order_return_rate", "bracketing_rate",
            "returnless_share", "reason_confirmation_rate",
        ),
    ),
    (
        "How long does it take?",
        "operations",
        ("return_cycle_time", "dock_to_disposition_time", "label_use_rate", "no_show_rate"),
    ),
    (
        "What is waiting?",
        "operations",
        ("open_return_units", "open_return_value", "returned_stock_value", "returned_stock_days"),
    ),
    ("What does it cost?", "operations", ("cost_per_return", "return_cost_in_process")),
    (
        "What is won back?",
        "finance",
        (
            "value_recovery_rate", "asset_recovery_rate", "restock_rate", "vendor_recovery_rate",
            "vendor_days_outstanding",
        ),
    ),
    (
        "Were refunds right and in time?",
        "finance",
        (
            "refund_rate", "retained_revenue_ratio", "refund_ratio", "refund_lead_time",
            "refund_late_share", "over_refund_amount",
        ),
    ),
    (
        "Are returns what they claim to be?",
        "operations",
        ("policy_violation_rate", "policy_exception_rate", "serial_mismatch_rate"),
    ),
    ("How do customers take it?", "customer service", ("contacts_per_return", "csat")),
    ("What becomes of the rest?", "operations", ("landfill_diversion_rate", "co2e_per_return")),
)  # fmt: skip
OTHER = "Other"


def subject_of(kpi: str) -> str:
    """Question that the KPI belongs to; OTHER for one that no question names."""
    stem = kpi.split(".")[0]
    return next((question for question, _, names in SUBJECTS if stem in names), OTHER)


def by_subject(kpis: list[str]) -> list[tuple[str, list[str]]]:
    """Questions that have a KPI, in their order, each with its KPIs in the order of the question."""
    found = []
    for question, _, names in SUBJECTS:
        mine = [kpi for name in names for kpi in kpis if kpi.split(".")[0] == name]
        if mine:
            found.append((question, mine))
    rest = [kpi for kpi in kpis if subject_of(kpi) == OTHER]
    return [*found, (OTHER, rest)] if rest else found
