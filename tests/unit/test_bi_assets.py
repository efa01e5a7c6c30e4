"""What Superset imports is made from the definitions, and hangs together."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from revlog.bi import charts
from revlog.bi.assets_files import FOLDER, content
from revlog.bi.dashboards import DASHBOARDS
from revlog.bi.datasets import CURRENCY, FINANCE, datasets
from revlog.metrics.definitions import LEVELS, kpis

ROOT = Path(__file__).parents[2]
# What everybody may read, and what finance alone may.
READERS = {"Returns": "bi_reader", "Refunds": "finance_reader"}


@pytest.fixture(scope="module")
def files() -> dict[str, Any]:
    return {path: yaml.safe_load(text) for path, text in content().items()}


def _of(files: dict[str, Any], folder: str) -> list[dict[str, Any]]:
    return [config for path, config in files.items() if path.startswith(f"{folder}/")]


def test_the_files_are_those_that_the_definitions_make() -> None:
    found = {
        str(file.relative_to(FOLDER)): file.read_text(encoding="utf-8") for file in FOLDER.rglob("*.yaml")
    }
    assert found == content(), "run: revlog bi write"


def test_every_kpi_and_basis_has_one_metric(files: dict[str, Any]) -> None:
    flows = [m["metric_name"] for m in files["datasets/Returns/kpis.yaml"]["metrics"]]
    levels = [m["metric_name"] for m in files["datasets/Returns/kpi_levels_now.yaml"]["metrics"]]
    pairs = [(kpi, basis) for kpi in kpis() for basis in kpi.bases]
    assert len(flows) + len(levels) == len(set(flows + levels)) == len(pairs)
    assert set(levels) == {kpi.metric(basis) for kpi, basis in pairs if basis in LEVELS}


def test_ids_are_unique_and_every_reference_leads_somewhere(files: dict[str, Any]) -> None:
    ids = [config["uuid"] for config in files.values() if "uuid" in config]
    assert len(ids) == len(set(ids))
    for config in _of(files, "datasets"):
        assert config["database_uuid"] in ids
    for config in _of(files, "charts"):
        assert config["dataset_uuid"] in ids
    for config in _of(files, "dashboards"):
        tiles = [tile["meta"]["uuid"] for tile in config["position"].values()
                 if isinstance(tile, dict) and tile["type"] == "CHART"]  # fmt: skip
        assert len(tiles) >= 8 and set(tiles) <= set(ids)
        for wanted in config["metadata"]["native_filter_configuration"]:
            assert all(target.get("datasetUuid", ids[0]) in ids for target in wanted["targets"])


def test_rows_of_tiles_fill_the_width(files: dict[str, Any]) -> None:
    for dashboard in DASHBOARDS:
        for row in dashboard.rows:
            assert sum(chart.width for chart in row) == 12, [chart.title for chart in row]


def test_each_dashboard_filters_by_date_and_by_what_its_rows_have() -> None:
    for dashboard in DASHBOARDS[:4]:
        used = {chart.dataset for row in dashboard.rows for chart in row}
        have = {column.name for name in used for column in charts.dataset(name).columns}
        want = {"channel", "site", "product_category", "segment"} & have
        assert {wanted.column for wanted in dashboard.filters} >= want


def _filters(files: dict[str, Any], slug: str) -> dict[str, dict[str, Any]]:
    config = files[f"dashboards/{slug}.yaml"]
    return {f["name"]: f for f in config["metadata"]["native_filter_configuration"]}


def test_a_filter_is_of_the_tiles_that_it_narrows_and_says_how_many_they_are(files: dict[str, Any]) -> None:
    # Of the twenty tiles of operations six are of tracked returns and one of return lines, with a segment.
    segment = _filters(files, "operations")["Segment (7 of 20 tiles)"]
    tiles = {
        tile["meta"]["chartId"]: tile["meta"]["sliceName"]
        for tile in files["dashboards/operations.yaml"]["position"].values()
        if isinstance(tile, dict) and tile["type"] == "CHART"
    }
    left = {tiles[number] for number in segment["scope"]["excluded"]}
    assert len(left) == 13
    assert {"Book value of returned stock", "Cost per return", "Restock rate"} <= left
    assert not {"Overdue return lines", "Open units"} & left
    # A franc filters no amount that is in euros whatever the row's currency was.
    currency = _filters(files, "finance")["Currency (8 of 20 tiles)"]
    assert len(currency["scope"]["excluded"]) == 12
    assert _filters(files, "compliance")["Site (all tiles)"]["scope"]["excluded"] == []


def test_a_dashboard_tells_what_its_filters_leave_as_it_is(files: dict[str, Any]) -> None:
    words = [tile["meta"]["code"] for tile in files["dashboards/compliance.yaml"]["position"].values()
             if isinstance(tile, dict) and tile["type"] == "MARKDOWN"]  # fmt: skip
    assert words[0].startswith("**Compliance.** Hazardous")
    assert (
        "- **Channel**: only Landfill diversion rate · CO₂e per return · Landfill diversion rate, over time"
        in words[1]
    )


def test_a_tile_of_28_days_says_which_and_that_the_change_of_a_rate_is_relative(
    files: dict[str, Any],
) -> None:
    rate = files["charts/operations/restock_rate_over_time.yaml"]["params"]
    assert (rate["show_timestamp"], rate["time_format"]) == (True, "28 days to %Y-%m-%d")
    assert rate["compare_suffix"] == "relative to the 28 days before"
    cost = files["charts/operations/cost_per_return_over_time.yaml"]["params"]
    assert cost["compare_suffix"] == "against the 28 days before"


def test_stacked_bars_stand_by_their_length_and_their_parts_in_the_order_of_their_names() -> None:
    """Superset 6.1 reads the order of several series from `x_axis_sort`: without it, names decide."""
    tiles = [chart for dashboard in DASHBOARDS for row in dashboard.rows for chart in row]
    stacked = [chart for chart in tiles if chart.params.get("stack") and "orientation" in chart.params]
    assert {chart.title for chart in stacked} >= {
        "Lines that wait, by next step", "Amount to be looked at, by class and age", "Weight by site",
    }  # fmt: skip
    assert {chart.params["x_axis_sort"] for chart in stacked} == {"sum"}
    (ages,) = [chart for chart in stacked if chart.params["groupby"] == ["age_group"]]
    assert ages.params["sort_series_type"] == "name"


def test_a_product_without_final_sales_is_no_empty_row_on_top_of_the_others() -> None:
    """Nothing is known of its returns yet, and empty sorts first where the largest does."""
    (table,) = [chart for dashboard in DASHBOARDS for row in dashboard.rows for chart in row
                if chart.title == "Products by units returned"]  # fmt: skip
    assert [f.get("sqlExpression") for f in table.params["adhoc_filters"]] == [None, "is_mature"]


def test_parts_of_a_stack_have_a_colour_each(files: dict[str, Any]) -> None:
    """Dispositions by the seed; ages and steps by their words."""
    seed = (ROOT / "dbt_project" / "seeds" / "dispositions.csv").read_text().splitlines()[1:]
    dispositions = [line.split(",")[0] for line in seed]
    (colours,) = {json.dumps(d["metadata"]["label_colors"]) for d in _of(files, "dashboards")}
    found = json.loads(colours)
    assert set(dispositions) <= set(found)
    for names in (
        dispositions,
        [n for n in found if n.endswith(" days")],
        [n for n in found if n[0] in "12345"],
    ):
        assert len({found[name] for name in names}) == len(names) >= 5


def test_no_tile_of_a_lead_time_leaves_out_what_is_open() -> None:
    done = {kpi.metric(basis) for kpi in kpis() for basis in kpi.bases if kpi.is_of_what_is_done}
    assert done == {"return_cycle_time", "dock_to_disposition_time", "vendor_days_outstanding"}
    shown = [chart.params.get("metric") or chart.params.get("metrics")
             for dashboard in DASHBOARDS for row in dashboard.rows for chart in row]  # fmt: skip
    assert not done & {name for of in shown for name in ([of] if isinstance(of, str) else of or [])}


def test_what_finance_alone_may_read_is_on_its_dashboard_and_its_connection_only() -> None:
    by_name = {found.name: found for found in datasets()}
    assert {f.database for f in by_name.values() if f.schema == "finance"} == {FINANCE}
    assert not any("finance." in f.sql for f in by_name.values() if f.database != FINANCE)
    for dashboard in DASHBOARDS:
        used = {by_name[chart.dataset].database for row in dashboard.rows for chart in row}
        used |= {by_name[wanted.dataset].database for wanted in dashboard.filters}
        # Of Finance all: a reader who may see one of its datasets would be let onto the dashboard.
        assert used == ({FINANCE} if dashboard.slug == "finance" else {"Returns"})


def test_connections_are_of_readers_and_hold_no_password(files: dict[str, Any]) -> None:
    found = {c["database_name"]: c["sqlalchemy_uri"] for c in _of(files, "databases")}
    assert {name: re.match(r"postgresql\+psycopg2://(\w+):X+@", uri)[1] for name, uri in found.items()} == (  # type: ignore[index]
        READERS
    )
    assert not any(c["allow_dml"] or c["allow_file_upload"] for c in _of(files, "databases"))


def test_money_carries_a_currency_that_the_company_sets(files: dict[str, Any]) -> None:
    (metric,) = [m for m in files["datasets/Returns/kpis.yaml"]["metrics"]
                 if m["metric_name"] == "cost_per_return"]  # fmt: skip
    assert metric["currency"] == {"symbol": CURRENCY, "symbolPosition": "suffix"}
    assert CURRENCY not in "".join(config["slice_name"] for config in _of(files, "charts"))


def test_columns_are_told_as_dbt_tells_them(files: dict[str, Any]) -> None:
    (column,) = [c for c in files["datasets/Returns/sold.yaml"]["columns"]
                 if c["column_name"] == "shipped_quantity"]  # fmt: skip
    assert (column["verbose_name"], column["description"]) == ("Units shipped", "Units shipped.")
    untold = [
        f"{path}: {c['column_name']}" for path, config in files.items() if path.startswith("datasets/")
        and config["schema"] != "ops" for c in config["columns"] if not c["description"]
    ]  # fmt: skip
    assert untold == []


def test_a_name_that_is_not_there_is_refused() -> None:
    with pytest.raises(charts.NoSuchName, match="no column colour"):
        charts.bars("Bars", "sold", ["returned"], "colour")
    with pytest.raises(charts.NoSuchName, match="no metric revenue"):
        charts.number("Number", "sold", "revenue")


def test_the_lock_has_hashes_and_no_host_and_what_superset_does_not_ask_for() -> None:
    text = (ROOT / "requirements-bi.lock").read_text()
    assert "://" not in text and "--hash=sha256:" in text
    assert "flask-caching==2.3.1" in text
    named = set(re.findall(r"^([\w-]+)==", text, re.M))
    assert {"apache-superset", "rich", "cachetools", "gunicorn"} <= named
