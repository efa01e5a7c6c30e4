"""Charts as Superset's parameters: what a dashboard names, turned into the tool's many words."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from revlog.bi.datasets import CURRENCY, IN_A_PERIOD, PERCENT, Dataset, Metric, datasets

_DATASETS = {dataset.name: dataset for dataset in datasets()}
Params = dict[str, Any]
_OVER_TIME = {"line": "echarts_timeseries_line", "bar": "echarts_timeseries_bar", "area": "echarts_area"}
# Of a figure above its line.
FIGURE_HEIGHT = 19
_BY_NAME = {"sort_series_type": "name", "sort_series_ascending": True}
# Columns that hold sentences, and how wide they are; pixels.
_WIDE = {"next_action": 320, "next_step": 240, "evidence": 280, "issue": 280, "reason": 240}


class NoSuchName(LookupError):
    """A chart names a dataset, metric or column that is not there."""


@dataclass(frozen=True)
class Chart:
    """One tile; `width` of 12 columns, `height` in steps of 8 pixels."""

    title: str
    dataset: str
    viz_type: str
    params: Params
    width: int
    height: int
    description: str = ""
    columns: tuple[str, ...] = field(default=())


def dataset(name: str) -> Dataset:
    """A dataset by name; raises NoSuchName."""
    if name not in _DATASETS:
        raise NoSuchName(f"there is no dataset {name}")
    return _DATASETS[name]


def metric(of: str, name: str) -> Metric:
    """A saved metric by name; raises NoSuchName."""
    found = next((m for m in dataset(of).metrics if m.name == name), None)
    if found is None:
        raise NoSuchName(f"dataset {of} has no metric {name}")
    return found


def only(condition: str) -> Params:
    """A filter that the chart always has, in SQL."""
    return {"clause": "WHERE", "expressionType": "SQL", "sqlExpression": condition}


def number(
    title: str, of: str, name: str, *, note: str = "", is_dated: bool = True, where: str = "", width: int = 3,
    height: int = 18,
) -> Chart:  # fmt: skip
    """One figure, large."""
    shown = metric(of, name)
    return _chart(
        title, of, "big_number_total", width, height, where or shown.rows, is_dated,
        metric=name, subtitle=_joined(shown.unit, note), subtitle_font_size=0.2 if height < 20 else 0.15,
        header_font_size=0.4 if height < 20 else 0.3,
        y_axis_format=shown.format, time_format="%Y-%m-%d", force_timestamp_formatting=_is_time(shown),
        **_currency(shown), description=shown.description,
    )  # fmt: skip


Pair = tuple[Chart, Chart]
IN_NEWEST = "periods_ago = 0"


def trend(title: str, of: str, name: str, *, note: str = "") -> Pair:
    """A KPI of the newest period of 28 days, and its change against the one before with the line of all."""
    shown = metric(of, name)
    # The change of a rate is a part of the rate, as that of any figure: nobody should take it for points.
    relative = "relative to" if shown.format == PERCENT else "against"
    newest = number(title, of, name, note=_joined("28 days", note), is_dated=False, height=FIGURE_HEIGHT,
                    where=f"{shown.rows} and {IN_NEWEST}")  # fmt: skip
    return newest, _line(
        title, of, shown, "period_end", f"{shown.rows} and {IN_A_PERIOD}", "28 days to %Y-%m-%d",
        f"{relative} the 28 days before",
    )  # fmt: skip


def monthly(title: str, of: str, name: str, *, note: str = "") -> Pair:
    """The newest month that has the figure, and its change against the one before with the line of all."""
    newest = number(title, of, name, note=note, is_dated=False, height=FIGURE_HEIGHT, where="is_newest")
    return newest, _line(
        title, of, metric(of, name), "month_begins", f"{name} is not null", "%B %Y",
        "against the month before",
    )  # fmt: skip


def figures(*pairs: Pair, beside: tuple[Chart, ...] = ()) -> tuple[tuple[Chart, ...], tuple[Chart, ...]]:
    """Two rows of tiles: figures, with others `beside` them, and below them their lines."""
    above = [*(figure for figure, _ in pairs), *beside]
    return _wide(above), _wide([line for _, line in pairs])


def _wide(tiles: Sequence[Chart]) -> tuple[Chart, ...]:
    return tuple(replace(tile, width=12 // len(tiles)) for tile in tiles)


def _line(title: str, of: str, shown: Metric, x: str, where: str, when: str, against: str) -> Chart:
    """A line with the change at its end; `when` is how a day of `x` is told.

    Its head would be a figure whose rows Superset takes to be those of the whole line: it is not shown.
    """
    _known(of, x)
    return _chart(
        f"{title}, over time", of, "big_number", 3, 22, where, True,
        metric=shown.name, x_axis=x, time_grain_sqla=None, compare_lag=1,
        compare_suffix=against, show_trend_line=True, start_y_axis_at_zero=False,
        header_font_size=0.3, subheader_font_size=0.15, y_axis_format=shown.format, time_format=when,
        aggregation="LAST_VALUE",
        rolling_type="None", show_timestamp=True, **_currency(shown), description=shown.description,
    )  # fmt: skip


def over_time(
    title: str, of: str, name: str, *, x: str, by: str | None = None, grain: str | None = None,
    kind: str = "line", where: str = "", width: int = 6, height: int = 42, limit: int = 8,
    is_in_order: bool = False,
) -> Chart:  # fmt: skip
    """A metric over time, a line or stack each of `by`: the largest first, or in the order of their names."""
    shown = metric(of, name)
    _known(of, x, *([by] if by else []))
    rows = [where or shown.rows, IN_A_PERIOD if x == "period_end" else ""]
    stack = {"stack": "Stack"} if kind != "line" and by else {}
    return _chart(
        title, of, _OVER_TIME[kind], width, height, " and ".join(filter(None, rows)), True,
        metrics=[name], groupby=[by] if by else [], x_axis=x, time_grain_sqla=grain, row_limit=10_000,
        limit=limit if by else 0, truncate_metric=True, show_legend=bool(by), legendType="scroll",
        legendOrientation="top", rich_tooltip=True, tooltipTimeFormat="%Y-%m-%d",
        markerEnabled=grain != "P1D",
        x_axis_time_format="%Y-%m" if grain == "P1M" else "%Y-%m-%d",
        y_axis_title=shown.unit, y_axis_title_margin=50 if shown.unit else 0,
        y_axis_title_position="Left", y_axis_format=shown.format,
        **(_BY_NAME if is_in_order else {"sort_series_type": "sum"}), **stack, **_currency(shown),
        description=shown.description,
    )  # fmt: skip


def bars(
    title: str, of: str, names: Sequence[str], by: str, *, stack_by: str | None = None, where: str = "",
    is_dated: bool = True, width: int = 6, height: int = 42, limit: int = 12,
) -> Chart:  # fmt: skip
    """Horizontal bars, the longest on top: metrics beside or on each other, by a column."""
    first = metric(of, names[0])
    _known(of, by, *([stack_by] if stack_by else []))
    for name in names:
        metric(of, name)
    is_stacked = len(names) > 1 or stack_by
    return _chart(
        title, of, "echarts_timeseries_bar", width, height, where or first.rows, is_dated,
        metrics=list(names), groupby=[stack_by] if stack_by else [], x_axis=by, orientation="horizontal",
        # Of several series Superset takes a word here, and else the order of the names.
        x_axis_sort="sum" if is_stacked else names[0], x_axis_sort_asc=True,
        # Parts of a bar stand in the order of their names, such as ages, and not by their size.
        **(_BY_NAME if stack_by else {}),
        row_limit=limit if not stack_by else 1000,
        timeseries_limit_metric=names[0], order_desc=True, truncate_metric=True,
        show_legend=bool(is_stacked), legendOrientation="top", legendType="scroll", show_value=True,
        only_total=bool(is_stacked), **({"stack": "Stack"} if is_stacked else {}),
        rich_tooltip=True, y_axis_format=first.format, x_axis_title="", x_axis_title_margin=15,
        y_axis_title=first.unit, y_axis_title_margin=30, **_currency(first), description=first.description,
    )  # fmt: skip


def rows(
    title: str, of: str, columns: Sequence[str], *, order: str, is_descending: bool = True, where: str = "",
    is_dated: bool = True, width: int = 12, height: int = 56, limit: int = 500, note: str = "",
) -> Chart:  # fmt: skip
    """Single rows, sortable and searchable."""
    _known(of, order, *columns)
    return _chart(
        title, of, "table", width, height, where, is_dated,
        query_mode="raw", all_columns=list(columns), order_by_cols=[json.dumps([order, not is_descending])],
        row_limit=limit, page_length=20, include_search=True, table_timestamp_format="%Y-%m-%d",
        show_cell_bars=False, allow_rearrange_columns=True, column_config=_column_formats(of, columns),
        description=note,
    )  # fmt: skip


def grouped(
    title: str, of: str, by: Sequence[str], names: Sequence[str], *, where: str = "", is_dated: bool = True,
    width: int = 6, height: int = 42, limit: int = 1000, order: str = "", is_descending: bool = True,
    has_bars: bool = False,
) -> Chart:  # fmt: skip
    """A table of metrics by columns, ordered by the first metric or by `order`."""
    _known(of, *by)
    shown = {name: metric(of, name) for name in names}
    formats = {
        name: {
            **({"d3NumberFormat": m.format} if m.format else {"d3TimeFormat": _time_format(m)}),
            **({"currencyFormat": {"symbol": CURRENCY, "symbolPosition": "suffix"}} if m.is_money else {}),
        }
        for name, m in shown.items()
    }
    return _chart(
        title, of, "table", width, height, where, is_dated,
        query_mode="aggregate", groupby=list(by), metrics=list(names),
        timeseries_limit_metric=order or names[0], order_desc=is_descending, row_limit=limit, page_length=20,
        include_search=False, show_cell_bars=has_bars,
        table_timestamp_format="%Y-%m-%d", column_config=formats,
    )  # fmt: skip


def _chart(
    title: str, of: str, viz_type: str, width: int, height: int, where: str, is_dated: bool,
    description: str = "", **params: Any,
) -> Chart:  # fmt: skip
    found = dataset(of)
    filters = [only(where)] if where else []
    if is_dated and found.date:
        filters.insert(0, _in_range(found.date))
    return Chart(
        title,
        of,
        viz_type,
        {"viz_type": viz_type, "adhoc_filters": filters, **params},
        width,
        height,
        description,
    )


def _in_range(date: str) -> Params:
    """Where the date filter of the dashboard takes hold."""
    return {
        "clause": "WHERE", "expressionType": "SIMPLE", "subject": date, "operator": "TEMPORAL_RANGE",
        "comparator": "No filter",
    }  # fmt: skip


def _known(of: str, *names: str) -> None:
    have = {column.name for column in dataset(of).columns}
    if missing := [name for name in names if name not in have]:
        raise NoSuchName(f"dataset {of} has no column {', '.join(missing)}")


def _currency(shown: Metric) -> Params:
    return {"currency_format": {"symbol": CURRENCY, "symbolPosition": "suffix"}} if shown.is_money else {}


def _is_time(shown: Metric) -> bool:
    return not shown.format


def _time_format(shown: Metric) -> str:
    return "%Y-%m-%d %H:%M" if shown.name == "last_read" else "%Y-%m-%d"


def _joined(*parts: str) -> str:
    return " · ".join(filter(None, parts))


def _column_formats(of: str, names: Sequence[str]) -> Params:
    """Whole numbers without, money with two decimals, shares as percent."""
    columns = {column.name: column for column in dataset(of).columns}
    formats: Params = {}
    for name in names:
        kind = columns[name].type
        if name.endswith(("_rate", "rate_low", "rate_high", "chance_among_all")):
            formats[name] = {"d3NumberFormat": ".1%"}
        elif kind in ("bigint", "integer"):
            formats[name] = {"d3NumberFormat": ",d"}
        elif kind.startswith("numeric"):
            formats[name] = {"d3NumberFormat": ",.2f"}
        if name in _WIDE:
            formats[name] = {"columnWidth": _WIDE[name]}
    return formats
