"""One suite a feed, made from its contract: is this night's content like that of the nights before?

Null shares, the mix of codes, the mean of quantities, freshness. All of it compares with what the
same check observed on the last night; on the first there is nothing to compare with, and the checks
only observe.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import great_expectations.expectations as gxe
from great_expectations.expectations.expectation import Expectation

from revlog.builds.domains import of_feeds
from revlog.contracts.contract import Contract
from revlog.gates import checks
from revlog.gates.asset import CRITICAL, WARNING, Asset, Meta
from revlog.gates.night import LEAST_ROWS, Night

# A share may move by this much from one night to the next before anyone is told.
NULL_SHARE_MOVES = 0.15
# A column that was at least this full on as many nights does not run dry of itself. One night alone
# may have been a history, in which all is filled that a night leaves open.
FILLED, FILLED_NIGHTS = 0.5, 2
# Kullback-Leibler divergence, in nats: 0.1 is a code going from 10 % to about 35 % of the rows.
DRIFT = 0.1
# Codes with more values than this are names, not codes.
MOST_CODES = 40


def assets(night: Night) -> list[Asset]:
    """One asset for each feed that brought rows."""
    return [_asset(night, contract) for feed, contract in night.contracts.items() if night.rows(feed)]


def _asset(night: Night, contract: Contract) -> Asset:
    values = {
        "feed": contract.feed,
        "files": night.file_ids(contract.feed),
        "key": ", ".join(contract.key),
        "holds": ", ".join(of_feeds([contract.feed])),
        "time_column": contract.time_column,
        "business_date": checks.date(night.business_date),
    }
    return checks.asset(
        "landed/feed", values,
        suite=f"landed.{contract.feed}",
        expectations=list(_expectations(night, contract)),
        without=() if _must_be_fresh(contract) else ("freshness",),
    )  # fmt: skip


def _must_be_fresh(contract: Contract) -> bool:
    return contract.time_column is not None and contract.cadence != "occasional" and contract.mode != "full"


def _expectations(night: Night, contract: Contract) -> Iterator[Expectation]:
    if night.rows(contract.feed) < LEAST_ROWS:
        return
    for column in contract.raw_columns:
        spec = contract.columns.get(column)
        if spec is None:
            continue
        if not spec.required:
            yield _null_share(night, contract, column)
            if run_dry := _run_dry(night, contract, column):
                yield run_dry
        elif spec.type in ("code", "currency"):
            yield _mix(night, contract, column)
        elif spec.type == "integer" and column not in contract.key:
            yield _mean(night, contract, column)


def _null_share(night: Night, contract: Contract, column: str) -> Expectation:
    before = _share(night, contract, "null_share", column)
    return gxe.ExpectColumnProportionOfNonNullValuesToBeBetween(
        column=column,
        min_value=0.0 if before is None else max(0.0, before - NULL_SHARE_MOVES),
        max_value=1.0 if before is None else min(1.0, before + NULL_SHARE_MOVES),
        severity=WARNING,
        description=f"{column} is filled about as often as on the night before.",
        meta=Meta("null_share", samples=f"{column} is null").as_dict(),
    )


def _run_dry(night: Night, contract: Contract, column: str) -> Expectation | None:
    nights = night.past(f"raw.{contract.feed}", "null_share", column)
    # A night that was held for this very reason is no reason to let the next one pass.
    past = [found["value"] for found in nights if found["success"]]
    if len(past) < FILLED_NIGHTS or min(past) < FILLED:
        return None
    return gxe.ExpectColumnProportionOfNonNullValuesToBeBetween(
        column=column,
        min_value=0.0,
        strict_min=True,
        max_value=1.0,
        severity=CRITICAL,
        description=f"{column}, always at least {min(past):.0%} filled, is not empty all at once.",
        meta=Meta(
            "column_ran_dry",
            "The source renamed or dropped the column; add an alias to the layout.",
            samples=f"{column} is null",
        ).as_dict(),
    )


def _share(night: Night, contract: Contract, check: str, column: str) -> float | None:
    found = night.before(f"raw.{contract.feed}", check, column)
    return None if found is None else float(found["value"])


def _mix(night: Night, contract: Contract, column: str) -> Expectation:
    before = night.before(f"raw.{contract.feed}", "code_mix", column) or {}
    expected: dict[str, Any] | None = before.get("partition")
    return gxe.ExpectColumnKLDivergenceToBeLessThan(
        column=column,
        partition_object=expected,
        # Values that were never seen share one percent, so that one new code alone is no alarm.
        tail_weight_holdout=0.01 if expected else 0,
        bucketize_data=False,
        threshold=DRIFT if expected else None,
        severity=WARNING,
        description=f"The mix of {column} is about that of the night before.",
        meta=Meta("code_mix").as_dict(),
    )


def _mean(night: Night, contract: Contract, column: str) -> Expectation:
    before = _share(night, contract, "mean", column)
    return gxe.ExpectColumnMeanToBeBetween(
        column=column,
        min_value=None if before is None else before / 2 - 1,
        max_value=None if before is None else before * 2 + 1,
        severity=WARNING,
        description=f"The mean of {column} is about that of the night before.",
        meta=Meta("mean").as_dict(),
    )
