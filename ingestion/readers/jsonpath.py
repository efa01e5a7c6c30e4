"""Records within JSON: which objects they are, and the values that a layout takes from in and around them.

`record` names the way from the top to the records, step by step; arrays on it are walked through. A field's
path starts at the record: names lead into it, `..` to the object around it, a number to an item of an array,
and `.` is the record itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ingestion.layout import LIST_SEPARATOR, Layout

UP, SELF = "..", "."
_ABSENT = object()


class AmbiguousValueError(ValueError):
    """A path leads to several values where it can give one only; `name` is the field's."""

    def __init__(self, name: str, detail: str) -> None:
        super().__init__(detail)
        self.name = name


@dataclass(frozen=True)
class Found:
    """A record, and the objects around it, the outermost first."""

    value: Any
    around: tuple[dict[str, Any], ...]


class JsonPaths:
    """The paths of one layout."""

    def __init__(self, layout: Layout) -> None:
        self.steps = steps(layout.record)
        self.fields = {name: path.split("/") for name, path in layout.fields.items()}
        self.climbs = max((path.count(UP) for path in self.fields.values()), default=0)
        self.keeps_extras = layout.extra_columns != "ignore" and layout.select is None
        self.as_json = layout.select is not None
        self.is_reached = False

    def records(self, top: Any, done: int = 0) -> Iterator[Found]:
        """The records in a value that lies `done` steps below the top."""
        yield from self._walk(top, self.steps[done:], ())

    def _walk(self, value: Any, way: list[str], around: tuple[dict[str, Any], ...]) -> Iterator[Found]:
        self.is_reached |= not way
        if isinstance(value, list):
            for item in value:
                yield from self._walk(item, way, around)
        elif not way:
            yield Found(value, around)
        elif isinstance(value, dict) and value.get(way[0]) is not None:
            yield from self._walk(value[way[0]], way[1:], (*around, value))
        elif isinstance(value, dict) and way[0] in value:
            self.is_reached |= len(way) == 1

    def row(self, found: Found) -> dict[str, str | None]:
        """Text of the record's fields; without fields, of each of its keys.

        A field that the record lacks is not in it. Raises AmbiguousValueError.
        """
        if not self.fields:
            keys = found.value if isinstance(found.value, dict) else {SELF: found.value}
            return {name: self._text(value) for name, value in keys.items()}
        row: dict[str, str | None] = {}
        for name, path in self.fields.items():
            value = _value(name, path, found)
            if value is not _ABSENT:
                row[name] = self._text(value)
        if self.keeps_extras:
            row |= {name: self._text(value) for name, value in self._extras(found)}
        return row

    def _extras(self, found: Found) -> Iterator[tuple[str, Any]]:
        """What stands beside the fields in the record and in the objects around it that fields climb to."""
        branch = self.steps[::-1]
        levels = [found.value, *reversed(found.around)][: self.climbs + 1]
        for level, element in enumerate(levels):
            prefix = [UP] * level
            known = {p[level] for p in self.fields.values() if p[:level] == prefix and len(p) > level}
            known |= {branch[level - 1]} if level else set()
            for key, value in element.items() if isinstance(element, dict) else ():
                if key not in known:
                    yield "/".join([*prefix, key]), value

    def _text(self, value: Any) -> str | None:
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, list) and not self.as_json:
            return LIST_SEPARATOR.join("" if v is None else str(v) for v in value)
        return json.dumps(value, ensure_ascii=False)


def steps(record: str | None) -> list[str]:
    """Names on the way from the top to the records."""
    return [step for step in (record or "").split("/") if step not in ("", SELF)]


def _value(name: str, path: list[str], found: Found) -> Any:
    value, around = found.value, list(found.around)
    for step in path:
        if step == UP:
            if not around:
                return _ABSENT
            value = around.pop()
        elif step != SELF:
            value = _child(name, value, step)
    return value


def _child(name: str, value: Any, step: str) -> Any:
    if isinstance(value, list):
        if step.isdigit():
            return value[int(step)] if int(step) < len(value) else _ABSENT
        if len(value) > 1:
            raise AmbiguousValueError(name, f"{step} stands {len(value)} times")
        value = value[0] if value else _ABSENT
    return value.get(step, _ABSENT) if isinstance(value, dict) else _ABSENT
