"""What a suite is made of: an asset (a query) and the expectations on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import great_expectations.expectations as gxe
from great_expectations.expectations.expectation import Expectation
from great_expectations.expectations.metadata_types import FailureSeverity

from revlog.builds.domains import DOMAINS

CRITICAL, WARNING = FailureSeverity.CRITICAL, FailureSeverity.WARNING


@dataclass(frozen=True)
class Asset:
    """One thing to be judged: `query` gives its rows, `name` is what messages call it.

    `key` names the columns of a row that tell an operator which one it is; where the query also
    gives `_file_id` and `_line_no` the message names file and line. `holds` are the domains that stay as they
    are published where a critical expectation fails; of rows that name their `feed`, those that it leads to.
    """

    name: str
    suite: str
    query: str
    expectations: Sequence[Expectation]
    key: tuple[str, ...] = ()
    holds: tuple[str, ...] = DOMAINS


@dataclass(frozen=True)
class Meta:
    """What a check carries beside the expectation itself.

    `samples` is a condition on the asset's rows that finds those to blame, for expectations that
    count and don't list.
    """

    check: str
    advice: str = ""
    samples: str = ""
    extra: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return the form that GX stores in `meta`."""
        return {"check": self.check, "advice": self.advice, "samples": self.samples, **self.extra}


def no_rows(
    check: str, query: str, *, severity: FailureSeverity, description: str, advice: str = ""
) -> Expectation:
    """Expect that `query` on `batch`, the asset's rows, finds nothing; what it finds is the sample.

    Rows come as one JSON object of texts each: GX takes 13 ms to turn one decimal into JSON, and
    would turn the decimals of 200 rows.
    """
    return gxe.UnexpectedRowsExpectation(
        unexpected_rows_query=(
            "select (select jsonb_object_agg(e.key, e.value)"
            " from jsonb_each_text(to_jsonb(t)) as e) as found"
            f" from (with batch as (select * from {{batch}}) {_escape(query)}\n) as t"
        ),
        description=description,
        severity=severity,
        meta=Meta(check, advice).as_dict(),
    )


def _escape(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")
