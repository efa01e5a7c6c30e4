"""Records that contradict themselves or others: told by rule and number, and never held for."""

from __future__ import annotations

from expectations.asset import WARNING, Asset, no_rows
from expectations.night import Night


def assets(night: Night) -> list[Asset]:
    """One asset, one row a source system; of each feed the rules that records of the night's units break."""
    return [
        Asset(
            "core.fct_implausible_record",
            "core.implausible",
            _query(night),
            [
                no_rows(
                    "implausible_records",
                    "true",
                    severity=WARNING,
                    description="No record contradicts itself or another one of its order.",
                    advice="They count as they stand. Look them up in core.fct_implausible_record by feed"
                    " and rule, and have them corrected at the source.",
                )
            ],
            ("source", "records", "rules"),
        )
    ]


def _query(night: Night) -> str:
    return f"""
        select t.* from (
            select split_part(rules.feed, '_', 1) as source, sum(rules.records) as records,
                string_agg(
                    rules.feed || ' ' || rules.rule || ' ' || rules.records, ', '
                    order by rules.feed, rules.rule
                ) as rules
            from (
                select r.feed, r.rule, count(*) as records
                from core.fct_implausible_record as r
                where {_touched(night)}
                group by r.feed, r.rule
            ) as rules
            group by split_part(rules.feed, '_', 1)
        ) as t
    """.strip()


def _touched(night: Night) -> str:
    """Of a full build all; of a night the units that it computed anew."""
    if not night.touched_units:
        return "true"
    return "r.unit_key in (select unit_key from intermediate.int_touched_units)"
