"""The return lines that the night touched: forbidden steps, the mix."""

from __future__ import annotations

import great_expectations.expectations as gxe

from expectations.asset import WARNING, Asset, Meta
from expectations.night import Night
from expectations.suites.landed.feeds import DRIFT, LEAST_ROWS

ILLEGAL_WARNS = 0.05


def assets(night: Night) -> list[Asset]:
    """One asset over the touched units; a full build touches all."""
    query = "select * from core.fct_return_line"
    if night.touched_units:
        query += " where unit_key in (select unit_key from intermediate.int_touched_units)"
    name = "core.fct_return_line"
    before = (night.before(name, "code_mix", "resolution") or {}).get("partition")
    return [
        Asset(
            name,
            "core.fct_return_line",
            query,
            [
                gxe.UnexpectedRowsExpectation(
                    unexpected_rows_query=(
                        "select count(*) filter (where has_illegal_transition) as lines,"
                        " count(*) as of_lines from {batch}"
                        f" having count(*) >= {LEAST_ROWS} and"
                        " avg(case when has_illegal_transition then 1.0 else 0.0 end)"
                        f" > {ILLEGAL_WARNS}"
                    ),
                    description=f"At most {ILLEGAL_WARNS:.0%} of lines took a forbidden step.",
                    severity=WARNING,
                    meta=Meta("illegal_transitions").as_dict(),
                ),
                gxe.ExpectColumnKLDivergenceToBeLessThan(
                    column="resolution",
                    partition_object=before,
                    tail_weight_holdout=0.01 if before else 0,
                    bucketize_data=False,
                    # A night's lines are another mix than all of history's: tell only of more.
                    threshold=5 * DRIFT if before else None,
                    severity=WARNING,
                    description="The mix of resolutions is about that of the night before.",
                    meta=Meta("code_mix").as_dict(),
                ),
            ],
            ("return_line_key", "reason", "status"),
        )
    ]
