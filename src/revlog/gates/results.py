"""What a check found: from GX's result to a row of `ops.validation_results` and a message."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from great_expectations.core import ExpectationValidationResult
from psycopg import Connection

from revlog.builds.domains import DOMAINS, of_feeds
from revlog.gates.asset import Asset
from revlog.outputs.escaping import one_line

SAMPLES = 5


@dataclass(frozen=True)
class CheckResult:
    """One check of one gate. `sample` holds a few rows to blame, keys and file and line first."""

    suite: str
    asset: str
    check: str
    column: str | None
    severity: str
    success: bool
    observed: Any
    unexpected_count: int | None
    sample: list[dict[str, Any]]
    description: str
    advice: str
    error: str | None = None
    # Domains that it holds back where it is critical and fails.
    holds: tuple[str, ...] = DOMAINS
    # Lines to add to files, by file: those that would have kept the check from failing.
    to_add: dict[str, list[str]] = field(default_factory=dict)

    @property
    def headline(self) -> str:
        """One line: the check, how many rows, and the first of them."""
        first = self.message.split("\n", 2)[:2]
        return " e.g. ".join(part.strip() for part in first)[:500]

    @property
    def message(self) -> str:
        """Say what is wrong, where and what to do, in one paragraph."""
        where = f"{self.asset}.{self.column}" if self.column else self.asset
        parts = [f"{self.check} on {where}"]
        if self.error:
            return f"{parts[0]}: could not be evaluated: {one_line(self.error)}"
        if self.unexpected_count is not None:
            plural = "" if self.unexpected_count == 1 else "s"
            parts.append(f"{self.unexpected_count:,} row{plural}")
        elif self.observed is not None:
            parts.append(one_line(f"observed {json.dumps(self.observed, default=str)[:200]}"))
        text = ": ".join(parts) + f". Expected: {self.description}"
        for row in self.sample:
            text += "\n      " + one_line(", ".join(f"{k}={v}" for k, v in row.items() if v is not None))
        for file, lines in self.to_add.items():
            text += f"\n      Add to {one_line(file)}:"
            text += "".join(f"\n{one_line(line)}" for line in lines)
        return text + (f"\n      To do: {self.advice}" if self.advice else "")


def read(result: ExpectationValidationResult, asset: Asset, connection: Connection[Any]) -> CheckResult:
    """Turn GX's result into ours; looks up sample rows where GX only counted."""
    config = result.expectation_config
    assert config is not None
    meta = config.meta or {}
    error = _error(result)
    content = result.result or {}
    rows = (content.get("details") or {}).get("unexpected_rows")
    count = content.get("observed_value") if rows is not None else content.get("unexpected_count")
    if not result.success and not error and rows is None and meta.get("samples"):
        count, rows = _blame(connection, asset, meta["samples"])
    elif not result.success and rows is None and content.get("partial_unexpected_list"):
        rows = _listed(content["partial_unexpected_list"], config.kwargs)
    return CheckResult(
        suite=asset.suite,
        asset=asset.name,
        check=meta.get("check", config.type),
        column=config.kwargs.get("column"),
        severity=str(getattr(config.severity, "value", config.severity)),
        success=bool(result.success),
        observed=_observed(content, rows),
        unexpected_count=None if count is None else int(count),
        sample=[_sample(row, asset.key, connection) for row in (rows or [])[:SAMPLES]],
        description=config.description or "",
        advice=meta.get("advice", ""),
        error=error,
        holds=_holds(asset, rows or [], count),
        to_add=_to_add(rows or []),
    )


def _holds(asset: Asset, rows: list[dict[str, Any]], count: Any) -> tuple[str, ...]:
    """What the asset says; where that is everything, what the feeds of its rows lead to, if all are seen."""
    found = [row.get("found", row).get("feed") for row in rows]
    if asset.holds != DOMAINS or not found or None in found or len(found) != count:
        return asset.holds
    return of_feeds(str(feed) for feed in found)


def _to_add(rows: list[dict[str, Any]]) -> dict[str, list[str]]:
    """Lines that rows ask to be added (`line`) to a file (`add_to`, new where `header` says), each once."""
    found: dict[str, list[str]] = {}
    for row in (row.get("found", row) for row in rows):
        if row.get("add_to"):
            begins = [row["header"]] if row.get("header") else []
            lines = found.setdefault(row["add_to"], begins)
            lines += [row["line"]] if row["line"] not in lines else []
    return found


def _error(result: ExpectationValidationResult) -> str | None:
    info = result.exception_info or {}
    if "raised_exception" in info:
        info = {"": info}
    for found in info.values():
        if isinstance(found, dict) and found.get("raised_exception"):
            return str(found.get("exception_message"))[:1000]
    return None


def _observed(content: dict[str, Any], rows: Any) -> Any:
    """What the next night compares with: a share, a mean, or the mix of a column's values."""
    partition = (content.get("details") or {}).get("observed_partition")
    value = content.get("observed_value")
    if partition:
        seen = [(v, w) for v, w in zip(partition["values"], partition["weights"], strict=True) if w]
        total = sum(w for _, w in seen)
        return {
            "value": value,
            "partition": {"values": [v for v, _ in seen], "weights": [w / total for _, w in seen]},
        }
    if rows is not None or value is None or isinstance(value, (list, dict)):
        return None
    return {"value": plain(value)}


def _listed(values: list[Any], kwargs: dict[str, Any]) -> list[dict[str, Any]]:
    column = kwargs.get("column", "value")
    return [v if isinstance(v, dict) else {column: v} for v in values]


def _blame(connection: Connection[Any], asset: Asset, where: str) -> tuple[int, list[dict[str, Any]]]:
    """Count the rows of the asset that fulfil `where` and fetch a few."""
    cursor = connection.execute(
        f"select count(*) over () as n, q.* from ({asset.query}) as q where {where} limit {SAMPLES}"
    )
    names = [column.name for column in cursor.description or ()]
    rows = [dict(zip(names, row, strict=True)) for row in cursor]
    return (rows[0]["n"] if rows else 0), [{k: v for k, v in r.items() if k != "n"} for r in rows]


def _sample(row: dict[str, Any], key: tuple[str, ...], connection: Connection[Any]) -> dict[str, Any]:
    """Keys of a row, then its file and line; the whole row where it has none of the keys."""
    row = row.get("found", row)
    found = {name: plain(row[name]) for name in key if name in row}
    found = found or {n: plain(v) for n, v in row.items() if not n.startswith("_")}
    if row.get("_file_id") is not None:
        name = connection.execute(
            "select name from ops.file_ledger where file_id = %s", [int(row["_file_id"])]
        ).fetchone()
        found["file"] = name[0] if name else f"file_id {row['_file_id']}"
        if row.get("_line_no") is not None:
            found["line"] = int(row["_line_no"])
    return found


def plain(value: Any) -> Any:
    """Return a value that JSON can hold; decimals as text, so that no cent is lost."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, dt.date | dt.datetime):
        return value.isoformat()
    if hasattr(value, "item"):
        return value.item()
    return value


def store(
    connection: Connection[Any],
    run_id: str,
    stage: str,
    business_date: dt.date,
    results: list[CheckResult],
    seconds: dict[str, float],
) -> None:
    """Insert into `ops.validation_results`; `connection` is the validator's."""
    rows = [
        (
            run_id, business_date, stage, "gx", r.suite, r.asset, r.check, r.column, r.severity,
            r.success, json.dumps(r.observed, default=str) if r.observed is not None else None,
            r.unexpected_count, json.dumps(r.sample, default=str), r.message,
            round(seconds.get(r.suite, 0.0), 3), list(r.holds),
        )
        for r in results
    ]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into ops.validation_results (run_id, business_date, stage, engine, suite,"
            " asset, check_name, column_name, severity, success, observed, unexpected_count,"
            " sample, message, seconds, holds)"
            " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            rows,
        )
    connection.commit()
