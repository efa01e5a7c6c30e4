"""What held a night back, in parts that a notice can lay out: check, rows, file, line, owner, remedy."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from revlog.builds.domains import DOMAINS
from revlog.companies.company import profile
from revlog.outputs.words import how_many

log = logging.getLogger("reverse_logistics.findings")
# Of a check's message: what its gate advises, to the end (src/revlog/gates/results.py).
ADVICE = "To do: "
REMEDY = "docs/runbook.md"
# Failed checks of the last run of each gate and layer since the build began; dbt's have the build's number.
FAILED = """
with last as (
    select r.stage, r.engine, max(r.result_id) as result_id
    from ops.validation_results as r inner join ops.builds as b on b.build_id = %(build)s
    where r.validated_at >= b.started_at
        and (r.run_id = 'build-' || b.build_id or (r.engine = 'gx' and r.business_date = b.run_date))
    group by r.stage, r.engine
)
select r.stage, r.asset, r.check_name, r.column_name, r.unexpected_count, r.sample, r.message, r.holds
from ops.validation_results as r
inner join last as l on r.stage = l.stage and r.engine = l.engine
inner join ops.validation_results as newest on l.result_id = newest.result_id and r.run_id = newest.run_id
where not r.success and r.severity = 'critical'
order by r.result_id
"""


@dataclass(frozen=True)
class Finding:
    """A critical check that failed. `file` and `line` are those of its first row, where it has one, and else
    `feed` is what it is about.
    """

    check: str
    on: str
    rows: int | None
    file: str | None
    line: int | None
    owner: str
    remedy: str
    holds: tuple[str, ...] = DOMAINS
    feed: str | None = None

    def __str__(self) -> str:
        """One line: the check, how many rows, and where the first of them is."""
        rows = "" if self.rows is None else f": {how_many(self.rows, 'row')}"
        return f"{self.check} on {self.on}{rows}" + (f", {self.place}" if self.place else "")

    @property
    def place(self) -> str | None:
        """File and line, as far as they are known; of what has no file its feed."""
        if self.file is None:
            return f"feed {self.feed}" if self.feed else None
        return self.file if self.line is None else f"{self.file}, line {self.line}"

    def facts(self) -> list[tuple[str, str]]:
        """What a notice says of it, as name and value; what is not known is left out."""
        return [
            ("check", f"{self.check} on {self.on}"),
            *([("rows", f"{self.rows:,}")] if self.rows is not None else []),
            *([("file" if self.file else "about", self.place)] if self.place else []),
            ("holds back", " and ".join(self.holds)),
            ("owner", self.owner),
            ("to do", self.remedy),
        ]

    def as_json(self) -> dict[str, Any]:
        """The same for programs."""
        return asdict(self)


def of_build(role: str, build_id: int) -> tuple[Finding, ...]:
    """The checks that a build has failed so far, read as `role`; none where the books can't be read."""
    from psycopg.rows import dict_row

    from revlog.database.connections import connect

    try:
        with connect(role, row_factory=dict_row) as reader:
            rows = reader.execute(FAILED, {"build": build_id}).fetchall()
        return tuple(_finding(row) for row in rows)
    # What a notice lacks must not hide why the stage failed.
    except Exception as error:
        log.warning("the failed checks of build %s can't be told: %s", build_id, type(error).__name__)
        return ()


def _finding(row: dict[str, Any]) -> Finding:
    first: dict[str, Any] = (row["sample"] or [{}])[0]
    on = f"{row['asset']}.{row['column_name']}" if row["column_name"] else str(row["asset"])
    file = first.get("file") or first.get("name")
    # Of a check of a file as a whole: rows of it that were refused, not the one file.
    refused = _number(first.get("rows_quarantined"))
    return Finding(
        check=row["check_name"], on=on, rows=row["unexpected_count"] if refused is None else refused,
        file=str(file) if file else None, line=_number(first.get("line")),
        owner=owner(str(first.get("feed") or row["asset"]), row["holds"]), remedy=_remedy(row["message"]),
        holds=tuple(row["holds"]), feed=str(first["feed"]) if first.get("feed") else None,
    )  # fmt: skip


def _number(value: Any) -> int | None:
    """A whole number of a sample, whose values are texts (gates/asset.py); None for other texts."""
    try:
        return None if value is None else int(value)
    except (TypeError, ValueError):
        return None


def owner(asset: str, holds: Sequence[str]) -> str:
    """Who can mend it, by company.yml: a feed's source, finance for its own checks, else the pipeline."""

    owners = profile().owners
    source = asset.removeprefix("raw.").partition("_")[0]
    if source in ("erp", "wms", "crm"):
        return str(getattr(owners, source))
    return owners.finance if list(holds) == ["finance"] else owners.pipeline


def _remedy(message: str | None) -> str:
    _, found, advice = (message or "").partition(ADVICE)
    return " ".join(advice.split()) if found else REMEDY
