"""Which contents count: a function of what came, not of when."""

from __future__ import annotations

import datetime as dt
import itertools

from hypothesis import given
from hypothesis import strategies as st

from revlog.ingestion.supersession import Place, Sighting, changes, in_force

MIDNIGHT = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)


def _place(minute: int, content: str) -> Place:
    return (MIDNIGHT, MIDNIGHT + dt.timedelta(minutes=minute), content)


def _sighting(file_id: int, name: str, content: str, minute: int, holds: bool = True) -> Sighting:
    place = _place(minute, content)
    return Sighting(file_id, name, content, place, place, "loaded", holds)


def _statuses(*sightings: Sighting) -> dict[int, str]:
    return {v.file_id: v.status for v in in_force(sightings)}


def test_of_two_contents_under_a_name_the_newer_counts() -> None:
    assert _statuses(_sighting(1, "a", "X", 1), _sighting(2, "a", "Y", 2)) == {
        1: "superseded", 2: "loaded",
    }  # fmt: skip


def test_of_two_contents_of_one_time_the_greater_hash_counts() -> None:
    assert _statuses(_sighting(1, "a", "Y", 1), _sighting(2, "a", "X", 1)) == {
        1: "loaded", 2: "superseded",
    }  # fmt: skip


def test_a_content_counts_from_its_earliest_place() -> None:
    [verdict] = [
        v for v in in_force([_sighting(1, "a", "X", 9), _sighting(2, "b", "X", 3, holds=False)])
        if v.file_id == 1
    ]  # fmt: skip
    assert (verdict.status, verdict.place) == ("loaded", _place(3, "X"))


def test_a_content_counts_while_any_name_stands_for_it() -> None:
    story = [
        _sighting(1, "a", "X", 1), _sighting(2, "b", "X", 5, holds=False), _sighting(3, "a", "Y", 9),
    ]  # fmt: skip
    assert _statuses(*story) == {1: "loaded", 2: "duplicate", 3: "loaded"}
    [moved] = [v for v in in_force(story) if v.file_id == 1]
    assert moved.place == _place(5, "X"), "its own name gave it up"


def test_only_what_differs_is_a_change() -> None:
    assert changes([_sighting(1, "a", "X", 1)]) == []


ARRIVALS = st.lists(
    st.tuples(st.sampled_from("ab"), st.sampled_from("XYZ"), st.integers(0, 4)),
    min_size=1, max_size=5, unique=True,
)  # fmt: skip


@given(ARRIVALS)
def test_any_order_of_arrival_elects_the_same(arrivals: list[tuple[str, str, int]]) -> None:
    ends = {_end(order) for order in itertools.permutations(arrivals)}
    assert len(ends) == 1


def _end(order: tuple[tuple[str, str, int], ...]) -> frozenset[tuple[str, Place]]:
    """Contents that count, and from where, when files come in this order: as the ledger does it."""
    sightings: dict[tuple[str, str], Sighting] = {}
    for number, (name, content, minute) in enumerate(order):
        known = sightings.get((name, content))
        minute = max(minute, _minute(known)) if known else minute
        holds = known.holds_rows if known else all(c != content for _, c in sightings)
        file_id = known.file_id if known else number
        sightings[name, content] = _sighting(file_id, name, content, minute, holds)
    by_id = {s.file_id: s for s in sightings.values()}
    return frozenset(
        (by_id[v.file_id].content, v.place) for v in in_force(sightings.values())
        if v.status == "loaded"
    )  # fmt: skip


def _minute(sighting: Sighting) -> int:
    return int((sighting.seen[1] - MIDNIGHT).total_seconds() // 60)
