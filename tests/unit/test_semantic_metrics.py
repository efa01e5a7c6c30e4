"""The metrics that are made from the KPI definitions."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from revlog.metrics.definitions import Kpi, kpis
from revlog.metrics.metrics_file import FILE, TwoMetricsOfOneName, content

ROW = {"title": "Share", "question": "How much?", "formula": "a / b", "unit": "ratio", "better": "up",
       "owner": "operations", "caveats": "", "matures": "true", "counts_open": "false"}  # fmt: skip


def test_the_metrics_are_those_of_the_definitions() -> None:
    assert FILE.read_text(encoding="utf-8") == content(), "run: revlog metrics write"


def test_a_kpi_has_one_metric_per_basis(tmp_path: Path) -> None:
    seed = tmp_path / "kpi_definitions.csv"
    seed.write_text(
        "kpi,title,question,formula,unit,bases,better,owner,caveats,matures,counts_open\n"
        'rate,Rate,Why?,a / b,ratio,"SALE, RETURN",down,finance,,true,false\n'
        "cost.freight,Freight,Why?,a / b,ratio,RETURN,down,finance,,true,false\n"
    )
    metrics = yaml.safe_load(content(kpis(seed)))["metrics"]
    assert [m["name"] for m in metrics] == ["rate_sale", "rate_return", "cost_freight"]
    assert [(m["config"]["meta"]["kpi"], m["config"]["meta"]["basis"]) for m in metrics] == [
        ("rate", "SALE"), ("rate", "RETURN"), ("cost.freight", "RETURN"),
    ]  # fmt: skip


def _asked(basis: str, matures: str) -> dict[str, str]:
    (metric,) = yaml.safe_load(content([Kpi("share", (basis,), ROW | {"matures": matures})]))["metrics"]
    return {"numerator": metric["type_params"]["numerator"], "filter": metric["filter"],
            "description": metric["description"]}  # fmt: skip


def test_a_metric_goes_by_final_rows_and_says_so() -> None:
    asked = _asked("SALE", "true")
    assert asked["filter"].endswith("and {{ Dimension('kpi_cell__is_mature') }}")
    assert asked["description"] == "How much? A / b. Final rows only."


def test_a_metric_of_what_is_open_goes_by_all_rows_and_says_so() -> None:
    asked = _asked("RETURN", "false")
    assert "is_mature" not in asked["filter"]
    assert asked["description"].endswith("All rows: it is of what is still open.")


def test_a_time_that_final_rows_narrow_to_what_is_done_has_another_metric_of_all() -> None:
    kpi = Kpi("return_cycle_time", ("REQUEST",), ROW | {"counts_open": "true"})
    done, whole = yaml.safe_load(content([kpi]))["metrics"]
    assert (done["name"], whole["name"]) == ("return_cycle_time", "return_cycle_time_with_open")
    assert "is_mature" in done["filter"] and "is_mature" not in whole["filter"]
    assert "of what is done. With what is open: return_cycle_time_with_open" in done["description"]


def test_a_metric_of_a_level_is_of_one_day_and_says_so() -> None:
    asked = _asked("STOCK", "true")
    assert asked["numerator"] == "kpi_level_numerator"
    assert asked["description"].endswith("On the last day of what is asked for.")


def test_two_kpis_of_one_metric_name_are_refused() -> None:
    twins = [Kpi("share.freight", ("SALE",), ROW), Kpi("share_freight", ("SALE",), ROW)]
    with pytest.raises(TwoMetricsOfOneName, match="share_freight"):
        content(twins)
