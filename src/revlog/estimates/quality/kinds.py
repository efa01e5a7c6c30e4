"""The subjects of one kind, counted among their peers, from rows of who was shipped and who came back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from revlog.estimates.quality.panel import Ints, Panel

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Counted:
    """A panel, and what its numbers stand for: keys of each subject, code of each outcome, each stratum."""

    panel: Panel
    keys: pd.DataFrame
    outcomes: tuple[str, ...]
    strata: pd.DataFrame


def counted(
    tried: pd.DataFrame,
    came: pd.DataFrame,
    keys: Sequence[str],
    groups: Sequence[str],
    whole: Counted | None = None,
) -> Counted:
    """Subjects of these keys among their peers of the same groups.

    `tried`: keys, groups, week, orders (what was shipped, or judged). `came`: the same keys, groups and week,
    with outcome, day and orders. Rows of `came` without a row of `tried` are left out: nobody knows of how
    many they are. `whole` are the subjects that these are parts of: they have the first of the keys, the same
    groups and outcomes.
    """
    cell = list(dict.fromkeys([*keys, *groups, "week"]))
    # Of no rows, a query doesn't tell the type.
    tried = tried.astype({"week": np.int64, "orders": np.int64})
    came = came.astype({"week": np.int64, "day": np.int64, "orders": np.int64, "outcome": object})
    cells = tried.groupby(cell, sort=True, as_index=False)["orders"].sum()
    came = came.groupby([*cell, "outcome", "day"], sort=True, as_index=False)["orders"].sum()
    strata = whole.strata if whole else _strata(cells, [*groups, "week"])
    found = cells[list(keys)].drop_duplicates().reset_index(drop=True)
    cells = cells.merge(found.assign(subject=np.arange(len(found))), on=list(keys)).merge(
        strata, on=[*groups, "week"], suffixes=("", "_of_all")
    )
    cells = cells.sort_values(["subject", "week", "stratum"], kind="stable").reset_index(drop=True)
    outcomes = whole.outcomes if whole else tuple(sorted(came["outcome"].unique()))
    events = came.merge(cells[cell].assign(cell=np.arange(len(cells))), on=cell).merge(
        _numbered(outcomes), on="outcome"
    )
    events = events.sort_values(["day", "cell", "outcome_no"], kind="stable")
    panel = Panel(
        subjects=len(found),
        outcomes=len(outcomes),
        stratum_week=strata["week"].to_numpy(np.int64),
        subject=cells["subject"].to_numpy(np.int64),
        stratum=cells["stratum"].to_numpy(np.int64),
        share=(cells["orders"] / cells["orders_of_all"]).to_numpy(float),
        event_cell=events["cell"].to_numpy(np.int64),
        event_outcome=events["outcome_no"].to_numpy(np.int64),
        event_day=events["day"].to_numpy(np.int64),
        events=events["orders"].to_numpy(float),
        parent=whole.panel if whole else None,
        parent_of=_rows_in(whole.keys, found) if whole else np.empty(0, np.int64),
    )
    return Counted(panel, found, outcomes, strata)


def _strata(cells: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Each group of peers in each week, with its number and what it was shipped."""
    found = cells.groupby(names, sort=True, as_index=False)["orders"].sum()
    return found.assign(stratum=np.arange(len(found)))


def _numbered(outcomes: tuple[str, ...]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(
        {"outcome": pd.Series(outcomes, dtype=object), "outcome_no": np.arange(len(outcomes))}
    )


def _rows_in(whole: pd.DataFrame, parts: pd.DataFrame) -> Ints:
    """Row of each part's whole, by the one key that the whole has."""
    [key] = whole.columns
    rows = dict(zip(whole[key], range(len(whole)), strict=True))
    return np.array([rows[value] for value in parts[key]], np.int64)
