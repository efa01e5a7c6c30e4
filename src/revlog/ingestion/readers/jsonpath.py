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

from revlog.contracts.layout import LIST_SEPARATOR, Layout
from revlog.ingestion.uses import Uses
from revlog.values.reasons import Reason

UP, SELF = "..", "."
_ABSENT = object()
Row = dict[str, str | None]


class UnfitValueError(ValueError):
    """What a path leads to can't be the field's value; `name` is the field's."""

    def __init__(self, reason: Reason, name: str, detail: str) -> None:
        super().__init__(detail)
        self.reason, self.name = reason, name


class Number(str):
    """A number as the file spells it."""


def spelled(value: Any) -> str:
    """A value as JSON, its numbers digit by digit as they came."""
    if isinstance(value, Number):
        return value
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_quoted(k)}: {spelled(v)}' for k, v in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(spelled, value))}]"
    return _quoted(value)


def _quoted(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


@dataclass(frozen=True)
class Found:
    """A record, and the objects around it, the outermost first."""

    value: Any
    around: tuple[dict[str, Any], ...]


class JsonPaths:
    """The paths of one layout."""

    def __init__(self, layout: Layout, uses: Uses) -> None:
        self.uses = uses
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

    def row(self, found: Found) -> tuple[Row, Row]:
        """Text of the record's fields, or without fields of each of its keys; and of what nobody knows.

        A field that the record lacks is not in it. Raises UnfitValueError.
        """
        if not self.fields:
            return self._by_keys(found.value if isinstance(found.value, dict) else {SELF: found.value})
        row: Row = {}
        for name, path in self.fields.items():
            value = _value(name, path, found)
            if value is not _ABSENT:
                row[name] = self._text(name, value)
        return row, {n: _plain(v) for n, v in self._extras(found)} if self.keeps_extras else {}

    def _by_keys(self, keys: dict[str, Any]) -> tuple[Row, Row]:
        row: Row = {}
        extra: Row = {}
        for name, value in keys.items():
            if self.as_json or name in self.uses.known:
                row[name] = self._text(name, value)
            else:  # also where it is ignored: the name may be nearly that of a column which is missing
                extra[name] = _plain(value) if self.keeps_extras else None
        return row, extra

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

    def _text(self, name: str, value: Any) -> str | None:
        """The value of a field as text; a list only where the contract has one."""
        if self.as_json or not isinstance(value, list | dict | bool):
            return _plain(value)
        if isinstance(value, bool):
            if name in self.uses.ids:
                raise UnfitValueError(Reason.BAD_BOOLEAN, name, f"{_plain(value)} instead of an id")
            return _plain(value)
        if name not in self.uses.lists or isinstance(value, dict):
            raise UnfitValueError(Reason.NESTED_VALUE, name, f"{_kind(value)} where one value belongs")
        items = ["" if v is None else v for v in value]
        for item in items:
            if isinstance(item, list | dict):
                raise UnfitValueError(Reason.NESTED_VALUE, name, f"{_kind(item)} within a list of values")
            if isinstance(item, str) and LIST_SEPARATOR in item:
                raise UnfitValueError(Reason.NESTED_VALUE, name, "a value holds what separates values")
        return LIST_SEPARATOR.join(_plain(item) or "" for item in items)


def _kind(value: Any) -> str:
    return "an object" if isinstance(value, dict) else "a list"


def _plain(value: Any) -> str | None:
    """A scalar as text; what is nested as JSON."""
    return value if value is None or isinstance(value, str) else spelled(value)


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
            raise UnfitValueError(Reason.REPEATED_ELEMENT, name, f"{step} stands {len(value)} times")
        value = value[0] if value else _ABSENT
    return value.get(step, _ABSENT) if isinstance(value, dict) else _ABSENT
