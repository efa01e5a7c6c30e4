"""The files that Superset imports, made from datasets and dashboards: `bi/assets/`."""

from __future__ import annotations

import math
import re
import textwrap
import uuid
from pathlib import Path
from typing import Any

import yaml

from revlog.bi.charts import Chart, dataset
from revlog.bi.dashboards import DASHBOARDS, Dashboard, Filter
from revlog.bi.datasets import CURRENCY, FINANCE, MARTS, Dataset, Metric, datasets
from revlog.bi.described import Column
from revlog.config.settings import ROOT

FOLDER = ROOT / "bi" / "assets"
HEAD = "# Made by `revlog bi write`; do not edit.\n"
ROLES = {MARTS: "bi_reader", FINANCE: "finance_reader"}
# Ids must stay what they are, so that an import replaces what the last one brought.
_IDS = uuid.UUID("6f6d3a0e-64d5-4a55-9d6c-0b1a4f7f2c39")
# A phone gets the page as a desk does, to push about: in its 390 px, twelve columns are two letters each.
CSS = """@media (max-width: 1000px) {
  .grid-container { min-width: 1000px; }
}
"""
# The figure above a line stands in a tile of its own, whose rows are just the figure's.
FIGURE_WITH_A_LINE = """.superset-legacy-chart-big-number:not(.no-trendline) .header-line {
  display: none !important;
}
/* Superset measures these by the tile, down to letters of 8 pixels. */
.superset-legacy-chart-big-number :is(.kicker, .subheader-line, .subtitle-line) {
  font-size: 13px !important;
  line-height: 1.4 !important;
}
"""
# What stays what it is from chart to chart. Superset would give two parts of a stack one colour, where a
# chart above has taken it for one of them.
COLOURS = {
    **dict.fromkeys(("Overdue return lines", "overdue_lines"), "#d1495b"),
    **dict.fromkeys(("Return lines in time", "lines_in_time"), "#2a9d8f"),
    "1 requested": "#c6dbef", "2 approved": "#9ecae1", "3 in transit": "#6baed6", "4 received": "#3182bd",
    "5 inspected": "#1c6bb0",
    "RESTOCK": "#2a9d8f", "SECONDARY_SALE": "#457b9d", "RTV": "#7b6fb0", "REFURBISH": "#b5838d",
    "REPAIR": "#8d99ae", "DONATE": "#e9c46a", "RECYCLE": "#8ab17d", "RETURN_TO_CUSTOMER": "#a8dadc",
    "KEEP": "#cdb4db", "LANDFILL": "#d1495b", "HAZ_DISPOSE": "#f4a261", "MISSING": "#6c757d",
    "QUARANTINE": "#ffd166", "UNMAPPED": "#adb5bd",
    "00-03 days": "#fde0c5", "04-07 days": "#facba6", "08-14 days": "#f8b58b", "15-30 days": "#f59e72",
    "31-60 days": "#f2855d", "61-90 days": "#ef6a4c", "90+ days": "#c93a2b",
}  # fmt: skip
DRILL = "Right-click a figure, a bar, a cell or a point of a line for just its rows (*Drill to detail*)."
# Of a line of text where the page is narrowest.
CHARACTERS = 135
Config = dict[str, Any]


class TwoOfOneTitle(ValueError):
    """Two tiles of a dashboard have one title, and so would have one id."""


def content() -> dict[str, str]:
    """Text of every file, by path below `bi/assets`."""
    files = {
        "metadata.yaml": {"version": "1.0.0", "type": "assets", "timestamp": "2026-01-01T00:00:00+00:00"}
    }
    for name in ROLES:
        files[f"databases/{name}.yaml"] = _database(name)
    for found in datasets():
        files[f"datasets/{found.database}/{found.name}.yaml"] = _dataset(found)
    for dashboard in DASHBOARDS:
        for row in dashboard.rows:
            for chart in row:
                path = f"charts/{dashboard.slug}/{_file_name(chart.title)}.yaml"
                if path in files:
                    raise TwoOfOneTitle(f"{dashboard.title} has two tiles called {chart.title}")
                files[path] = _chart(dashboard, chart)
        files[f"dashboards/{dashboard.slug}.yaml"] = _dashboard(dashboard)
    return {path: HEAD + _text(config) for path, config in files.items()}


def write() -> Path:
    """Write every file and remove those that are no longer made; returns the folder."""
    made = content()
    for old in FOLDER.rglob("*.yaml"):
        if str(old.relative_to(FOLDER)) not in made:
            old.unlink()
    for path, text in made.items():
        (FOLDER / path).parent.mkdir(parents=True, exist_ok=True)
        (FOLDER / path).write_text(text, encoding="utf-8")
    return FOLDER


def _id(*parts: str) -> str:
    return str(uuid.uuid5(_IDS, "/".join(parts)))


def _database(name: str) -> Config:
    """The address is none: install.py puts that of the warehouse there."""
    return {
        "database_name": name,
        "sqlalchemy_uri": f"postgresql+psycopg2://{ROLES[name]}:XXXXXXXXXX@127.0.0.1:5432/warehouse",
        "cache_timeout": None,
        "expose_in_sqllab": True,
        "allow_run_async": False,
        "allow_ctas": False,
        "allow_cvas": False,
        "allow_dml": False,
        "allow_file_upload": False,
        "extra": {"allows_virtual_table_explore": True, "cancel_query_on_windows_unload": True},
        "uuid": _id("database", name),
        "version": "1.0.0",
    }


def _dataset(found: Dataset) -> Config:
    return {
        "table_name": found.table,
        "main_dttm_col": found.date,
        "description": f"{found.title}. {found.description}",
        "schema": found.schema,
        "sql": found.sql or None,
        "params": None,
        "filter_select_enabled": True,
        "normalize_columns": False,
        "always_filter_main_dttm": False,
        "uuid": _id("dataset", found.name),
        "metrics": [_metric(metric) for metric in found.metrics],
        "columns": [_column(column) for column in found.columns],
        "version": "1.0.0",
        "database_uuid": _id("database", found.database),
    }


def _metric(metric: Metric) -> Config:
    currency = {"currency": {"symbol": CURRENCY, "symbolPosition": "suffix"}} if metric.is_money else {}
    return {
        "metric_name": metric.name,
        "verbose_name": metric.title,
        "expression": metric.expression,
        "description": metric.description or None,
        "d3format": metric.format or None,
        **currency,
    }


def _column(column: Column) -> Config:
    return {
        "column_name": column.name,
        "verbose_name": column.title,
        "description": column.description or None,
        "type": column.type.upper(),
        "is_dttm": column.type in ("date", "timestamptz"),
        "groupby": True,
        "filterable": True,
    }


def _chart(dashboard: Dashboard, chart: Chart) -> Config:
    return {
        "slice_name": chart.title,
        "description": chart.description or None,
        "viz_type": chart.viz_type,
        "params": {**chart.params, "datasource": "0__table"},
        "query_context": None,
        "cache_timeout": None,
        "uuid": _id("chart", dashboard.slug, chart.title),
        "version": "1.0.0",
        "dataset_uuid": _id("dataset", chart.dataset),
    }


def _dashboard(dashboard: Dashboard) -> Config:
    return {
        "dashboard_title": dashboard.title,
        "description": dashboard.about,
        "css": CSS + FIGURE_WITH_A_LINE,
        "slug": dashboard.slug,
        "certified_by": "",
        "certification_details": "",
        "published": True,
        "uuid": _id("dashboard", dashboard.slug),
        "position": _position(dashboard),
        "metadata": {
            "cross_filters_enabled": True,
            "global_chart_configuration": {
                "scope": {"rootPath": ["ROOT_ID"], "excluded": []},
                "chartsInScope": [],
            },
            "chart_configuration": {},
            # mid tones, which light and dark pages both show
            "color_scheme": "d3Category10",
            "label_colors": COLOURS,
            "filter_bar_orientation": "HORIZONTAL",
            "native_filter_configuration": [
                _date_filter(dashboard),
                *(_select_filter(dashboard, wanted) for wanted in dashboard.filters),
            ],
            "refresh_frequency": 0,
            "timed_refresh_immune_slices": [],
        },
        "version": "1.0.0",
    }


def _tiles(dashboard: Dashboard) -> list[Chart]:
    return [chart for row in dashboard.rows for chart in row]


def is_reached(chart: Chart, by: Filter | None) -> bool:
    """Whether a filter, or that of the date (None), narrows the chart."""
    if by is None:
        return any(f.get("operator") == "TEMPORAL_RANGE" for f in chart.params["adhoc_filters"])
    if by.leaves & {chart.dataset, chart.title}:
        return False
    return by.column in {known.name for known in dataset(chart.dataset).columns}


def _named(dashboard: Dashboard, title: str, by: Filter | None) -> str:
    """Title of a filter with how many of the tiles it narrows."""
    tiles = _tiles(dashboard)
    reached = sum(is_reached(chart, by) for chart in tiles)
    reach = "all tiles" if reached == len(tiles) else f"{reached} of {len(tiles)} tiles"
    return f"{title[:-1]}; {reach})" if title.endswith(")") else f"{title} ({reach})"


def _reached(dashboard: Dashboard) -> str:
    """What each filter narrows and what it leaves as it is, in words."""
    lines = []
    tiles = _tiles(dashboard)
    for title, by in [
        (dashboard.date_title, None),
        *((wanted.title, wanted) for wanted in dashboard.filters),
    ]:
        reached = [chart.title for chart in tiles if is_reached(chart, by)]
        left = [chart.title for chart in tiles if not is_reached(chart, by)]
        if not left:
            told = "all tiles"
        elif len(left) < len(reached):
            told = f"all but {' · '.join(left)}"
        else:
            told = f"only {' · '.join(reached)}"
        lines.append(textwrap.fill(f"- **{title}**: {told}.", 150, subsequent_indent="  "))
    return (
        "What a filter narrows; other tiles lack its column, or mean something else by it.\n\n"
        + "\n".join(lines)
    )


def _position(dashboard: Dashboard) -> Config:
    """Rows of tiles below a line that says what the dashboard is for, and at the end what filters narrow."""
    about = _id("about", dashboard.slug)[:8]
    told = f"**{dashboard.title}.** {dashboard.about} {DRILL}"
    reach = _id("reach", dashboard.slug)[:8]
    found: Config = {
        "DASHBOARD_VERSION_KEY": "v2",
        "ROOT_ID": {"id": "ROOT_ID", "type": "ROOT", "children": ["GRID_ID"]},
        "GRID_ID": {"id": "GRID_ID", "type": "GRID", "parents": ["ROOT_ID"], "children": [f"ROW-{about}"]},
        "HEADER_ID": {"id": "HEADER_ID", "type": "HEADER", "meta": {"text": dashboard.title}},
        f"ROW-{about}": _row(f"ROW-{about}", [f"MARKDOWN-{about}"]),
        f"MARKDOWN-{about}": _words(about, told, 4 + 3 * math.ceil(len(told) / CHARACTERS)),
    }
    number = 0
    for row in dashboard.rows:
        row_id = f"ROW-{_id('row', dashboard.slug, row[0].title)[:8]}"
        tiles = []
        for chart in row:
            number += 1
            tile = _id("chart", dashboard.slug, chart.title)
            tiles.append(f"CHART-{tile[:8]}")
            found[tiles[-1]] = {
                "id": tiles[-1],
                "type": "CHART",
                "children": [],
                "parents": ["ROOT_ID", "GRID_ID", row_id],
                "meta": {
                    "chartId": number, "uuid": tile, "sliceName": chart.title, "width": chart.width,
                    "height": chart.height,
                },
            }  # fmt: skip
        found[row_id] = _row(row_id, tiles)
        found["GRID_ID"]["children"].append(row_id)
    found[f"ROW-{reach}"] = _row(f"ROW-{reach}", [f"MARKDOWN-{reach}"])
    found[f"MARKDOWN-{reach}"] = _words(reach, _reached(dashboard), 12 + 6 * len(dashboard.filters))
    found["GRID_ID"]["children"].append(f"ROW-{reach}")
    return found


def _words(part: str, text: str, height: int) -> Config:
    return {
        "id": f"MARKDOWN-{part}",
        "type": "MARKDOWN",
        "children": [],
        "parents": ["ROOT_ID", "GRID_ID", f"ROW-{part}"],
        "meta": {"code": text, "width": 12, "height": height},
    }


def _row(row_id: str, children: list[str]) -> Config:
    return {
        "id": row_id,
        "type": "ROW",
        "children": children,
        "parents": ["ROOT_ID", "GRID_ID"],
        "meta": {"background": "BACKGROUND_TRANSPARENT"},
    }


def _date_filter(dashboard: Dashboard) -> Config:
    title = dashboard.date_title
    return _filter(dashboard, title, None, "filter_time", [{}], {"enableEmptyFilter": False})


def _select_filter(dashboard: Dashboard, wanted: Filter) -> Config:
    if wanted.column not in {column.name for column in dataset(wanted.dataset).columns}:
        raise LookupError(f"{dashboard.slug}: dataset {wanted.dataset} has no column {wanted.column}")
    target = {"datasetUuid": _id("dataset", wanted.dataset), "column": {"name": wanted.column}}
    controls = {
        "enableEmptyFilter": False, "defaultToFirstItem": False, "multiSelect": True,
        "searchAllOptions": False, "inverseSelection": False, "sortAscending": True,
    }  # fmt: skip
    return _filter(dashboard, wanted.title, wanted, "filter_select", [target], controls)


def _filter(
    dashboard: Dashboard, title: str, by: Filter | None, kind: str, targets: list[Config], controls: Config
) -> Config:  # fmt: skip
    """A filter of the tiles whose rows have its column; its name says how many they are.

    Tiles are numbered as in _position: an import puts the ids of its charts there.
    """
    beyond = [n for n, chart in enumerate(_tiles(dashboard), start=1) if not is_reached(chart, by)]
    return {
        "id": f"NATIVE_FILTER-{_id('filter', dashboard.slug, title)[:8]}",
        "type": "NATIVE_FILTER",
        "name": _named(dashboard, title, by),
        "filterType": kind,
        "targets": targets,
        "controlValues": controls,
        "defaultDataMask": {"extraFormData": {}, "filterState": {}, "ownState": {}},
        "cascadeParentIds": [],
        "scope": {"rootPath": ["ROOT_ID"], "excluded": beyond},
        "description": "",
    }


def _file_name(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", title.lower().replace("₂", "2")).strip("_")


class _Plain(yaml.SafeDumper):
    """Lists indented under their key, texts of several lines as blocks, nothing by reference."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Plain.add_representer(str, _represent_text)


def _text(config: Config) -> str:
    return yaml.dump(config, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=150)
