"""Ready layouts of systems, taken into a company's: `from: shopify`, and beside it what is its own."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import yaml

from revlog.companies.company import SYSTEMS

FROM = "from"
Tell = Callable[[tuple[str, ...], str], None]  # the keys that lead to a fault, and what it is


def with_ready(feed: str, layouts: Any, tell: Tell) -> Any:
    """Layouts of a feed of which those with `from` are whole; `tell` hears of each that can't be.

    `from: shopify` is the system's layout of the same name, `from: shopify/rest` another one. Mappings are
    merged key by key, all else takes the place of what the system's has.
    """
    if not isinstance(layouts, dict):
        return layouts
    return {name: _whole(feed, str(name), layout, tell) for name, layout in layouts.items()}


def _whole(feed: str, name: str, layout: Any, tell: Tell) -> Any:
    if not isinstance(layout, dict) or FROM not in layout:
        return layout
    own = {key: value for key, value in layout.items() if key != FROM}
    system, _, named = str(layout[FROM]).partition("/")
    known = ready_layouts(system, feed)
    wanted = named or name
    if wanted in known:
        return _merged(known[wanted], own)
    there = f"it has {', '.join(known)}" if known else f"systems with layouts of it: {_systems(feed)}"
    tell(("layouts", name, FROM), f"{system} has no layout {wanted} of {feed}; {there}")
    return None


@functools.cache
def ready_layouts(system: str, feed: str) -> dict[str, Any]:
    """Layouts of a feed that a system ships; none where it has none."""
    path = SYSTEMS / system / f"{feed}.yml"
    found: dict[str, Any] = {}
    if path.is_file():
        found = yaml.safe_load(path.read_text(encoding="utf-8"))["layouts"]
    return found


def _systems(feed: str) -> str:
    return ", ".join(sorted(path.parent.name for path in SYSTEMS.glob(f"*/{feed}.yml"))) or "none"


def _merged(ready: Any, own: Any) -> Any:
    if not (isinstance(ready, dict) and isinstance(own, dict)):
        return own
    return ready | {key: _merged(ready.get(key), value) for key, value in own.items()}
