"""A KPI is defined once, in the seed: what it lacks there nothing else makes up for."""

from __future__ import annotations

import re

import pytest

from revlog.config.settings import ROOT
from revlog.contracts.contract import all_feeds
from revlog.metrics.definitions import BASES, Kpi, kpis
from revlog.reports.subjects import QUESTIONS

ALL = kpis()
NEEDED = (
    "title", "question", "formula", "numerator", "denominator", "unit", "bases", "grain", "better", "owner",
    "needs", "matures", "counts_open", "numerator_unit", "denominator_unit", "subject", "held_as",
)  # fmt: skip
MEASURED = re.compile(r"'kpi': '([a-z0-9_]+)")


@pytest.mark.parametrize("kpi", ALL, ids=lambda kpi: kpi.name)
def test_a_kpi_lacks_nothing(kpi: Kpi) -> None:
    assert [column for column in NEEDED if not kpi.row[column].strip()] == []
    assert set(kpi.bases) <= BASES.keys()
    assert kpi.row["subject"] in QUESTIONS
    needs = re.split(r", | or ", ", ".join(filter(None, (kpi.row["needs"], kpi.row["also_counts"]))))
    assert set(needs) <= set(all_feeds())


@pytest.mark.parametrize("kpi", ALL, ids=lambda kpi: kpi.name)
def test_a_kpi_says_what_holds_of_it(kpi: Kpi) -> None:
    least, most = kpi.row["least"], kpi.row["most"]
    if kpi.row["held_as"] == "share":
        # Each of its cells lies within its whole, which says more than its sum.
        assert kpi.row["numerator_unit"] == kpi.row["denominator_unit"] and not least + most
    else:
        assert kpi.row["held_as"] in ("count", "money")
        assert not (least and most) or float(least) < float(most)


@pytest.mark.parametrize("kpi", [k for k in ALL if k.row["held_as"] == "count"], ids=lambda kpi: kpi.name)
def test_what_is_counted_is_no_amount_over_an_amount(kpi: Kpi) -> None:
    assert kpi.row["denominator_unit"] != "currency"


def test_every_question_has_a_kpi() -> None:
    assert {kpi.row["subject"] for kpi in ALL} == set(QUESTIONS)


def test_what_is_measured_is_defined_and_what_is_defined_is_measured() -> None:
    text = (ROOT / "dbt_project" / "macros" / "kpi_measures.sql").read_text()
    measured = set(MEASURED.findall(text))
    # Ages of what is open are measured in one loop, under a name that goes on.
    begun = tuple(name for name in measured if name.endswith("_"))
    stems = {kpi.name.split(".")[0] for kpi in ALL}
    assert {stem for stem in stems if stem not in measured and not stem.startswith(begun)} == set()
    assert measured - stems == {"open_return_"}
