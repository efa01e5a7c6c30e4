"""The questions that KPIs answer, so that thirty of them can be read one question at a time."""

from __future__ import annotations

from functools import cache

from revlog.metrics.definitions import kpis

# Questions in their order, and who asks each first; a KPI's definition says which one it answers.
QUESTIONS = {
    "What comes back?": "operations",
    "How long does it take?": "operations",
    "What is waiting?": "operations",
    "What does it cost?": "operations",
    "What is won back?": "finance",
    "Were refunds right and in time?": "finance",
    "Are returns what they claim to be?": "operations",
    "How do customers take it?": "customer service",
    "What becomes of the rest?": "compliance",
}
OTHER = "Other"


@cache
def subjects() -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    """Questions, who asks them first, and their KPIs in the order of the definitions.

    A KPI's parts (name.part) follow it.
    """
    stems = {kpi.name.split(".")[0]: kpi.row["subject"] for kpi in kpis()}
    return tuple(
        (question, audience, tuple(stem for stem, subject in stems.items() if subject == question))
        for question, audience in QUESTIONS.items()
    )


def subject_of(kpi: str) -> str:
    """Question that the KPI belongs to; OTHER for one that no definition names."""
    stem = kpi.split(".")[0]
    return next((question for question, _, names in subjects() if stem in names), OTHER)


def by_subject(names: list[str]) -> list[tuple[str, list[str]]]:
    """Questions that have a KPI, in their order, each with its KPIs in the order of the question."""
    found = []
    for question, _, stems in subjects():
        mine = [kpi for stem in stems for kpi in names if kpi.split(".")[0] == stem]
        if mine:
            found.append((question, mine))
    rest = [kpi for kpi in names if subject_of(kpi) == OTHER]
    return [*found, (OTHER, rest)] if rest else found
