"""The metrics that are made from the KPI definitions."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from semantic.definitions import Kpi, kpis
from semantic.metrics_file import FILE, TwoMetricsOfOneName, content

ROW = {"title": "Share", "question": "How much?", "formula": "a / b", "unit": "ratio", "better": "up",
       "owner": "operations", "caveats": ""}  # fmt: skip


def test_the_metrics_are_those_of_the_definitions() -> None:
    assert FILE.read_text(encoding="utf-8") == content(), "run: python -m semantic write"


def test_a_kpi_has_one_metric_per_basis(tmp_path: Path) -> None:
    seed = tmp_path / "kpi_definitions.csv"
    seed.write_text(
        "kpi,title,question,formula,unit,bases,better,owner,caveats\n"
        'rate,Rate,Why?,a / b,ratio,"SALE, RETURN",down,finance,\n'
        "cost.freight,Freight,Why?,a / b,ratio,RETURN,down,finance,\n"
    )
    metrics = yaml.safe_load(content(kpis(seed)))["metrics"]
    assert [m["name"] for m in metrics] == ["rate_sale", "rate_return", "cost_freight"]
    assert [(m["config"]["meta"]["kpi"], m["config"]["meta"]["basis"]) for m in metrics] == [
        ("rate", "SALE"), ("rate", "RETURN"), ("cost.freight", "RETURN"),
    ]  # fmt: skip


def test_two_kpis_of_one_metric_name_are_refused() -> None:
    twins = [Kpi("share.freight", ("SALE",), ROW), Kpi("share_freight", ("SALE",), ROW)]
    with pytest.raises(TwoMetricsOfOneName, match="share_freight"):
        content(twins)
