"""The return lines that the night touched: forbidden steps, the mix."""

from __future__ import annotations

import great_expectations.expectations as gxe

from expectations.suites.landed.feeds import DRIFT
from revlog.gates import checks
from revlog.gates.asset import WARNING, Asset, Meta
from revlog.gates.night import Night


def assets(night: Night) -> list[Asset]:
    """One asset over the touched units; a full build touches all."""
    before = (night.before("core.fct_return_line", "code_mix", "resolution") or {}).get("partition")
    mix = gxe.ExpectColumnKLDivergenceToBeLessThan(
        column="resolution",
        partition_object=before,
        tail_weight_holdout=0.01 if before else 0,
        bucketize_data=False,
        # A night's lines are another mix than all of history's: tell only of more.
        threshold=5 * DRIFT if before else None,
        severity=WARNING,
        description="The mix of resolutions is about that of the night before.",
        meta=Meta("code_mix").as_dict(),
    )
    values = {"touched_units": night.touched_units}
    return [checks.asset("core/fct_return_line", values, expectations=[mix])]
