"""Every fault of the contracts and layouts, each with its file and line."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from revlog.companies import master, master_faults
from revlog.companies.company import PROFILE, Company
from revlog.companies.found import Found
from revlog.contracts.contract import (
    CONTRACTS,
    STANDARD,
    Contract,
    all_feeds,
    company_folder,
    told,
)
from revlog.contracts.layout import Layout
from revlog.contracts.ready import with_ready
from revlog.ingestion.lint import lint

Keys = tuple[str | int, ...]
# Models are built although they have faults, so that all faults are found.
KEEPING = {"keeps_faults": True}
KEYS = set(Layout.model_fields)


class _File:
    """One YAML file: its content, and the line on which each key stands."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.fault: Found | None = None
        self.content: dict[str, Any] = {}
        self._tree: yaml.Node | None = None
        text = path.read_text(encoding="utf-8")
        try:
            self._tree = yaml.compose(text, Loader=yaml.SafeLoader)
            content = yaml.safe_load(text)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            self.fault = self._found(
                (mark.line if mark else 0) + 1, f"no YAML: {getattr(error, 'problem', error)}"
            )
            return
        if isinstance(content, dict):
            self.content = content
        else:
            self.fault = self._found(1, "a mapping is expected at the top")

    def at(self, keys: Keys, text: str) -> Found:
        """A fault at the place that the keys lead to, as far as they do."""
        node, line = self._tree, 1
        for key in keys:
            place = _child(node, key)
            if place is None:
                break
            line, node = place
        return self._found(line, text)

    def repeated(self) -> Iterator[Found]:
        """Keys that stand twice in one mapping: the first is overruled without a word."""
        yield from self._repeated(self._tree)

    def _repeated(self, node: yaml.Node | None) -> Iterator[Found]:
        if isinstance(node, yaml.MappingNode):
            seen: set[str] = set()
            for key, value in node.value:
                if key.value in seen:
                    yield self._found(key.start_mark.line + 1, f"the key {key.value!r} stands twice")
                seen.add(key.value)
                yield from self._repeated(value)
        elif isinstance(node, yaml.SequenceNode):
            for value in node.value:
                yield from self._repeated(value)

    def _found(self, line: int, text: str) -> Found:
        return Found.of(self.path, line, text)


def _child(node: yaml.Node | None, key: str | int) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            if name.value == str(key):
                return name.start_mark.line + 1, value
    if isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
        return node.value[key].start_mark.line + 1, node.value[key]
    return None


def faults(company: str = STANDARD) -> list[Found]:
    """Faults of the contracts and their layouts, or of a company's whole folder, by file and line.

    Raises ContractError where there is no such company.
    """
    found: list[Found] = []
    if company == STANDARD:
        for feed in all_feeds():
            found += _checked(_File(CONTRACTS / f"{feed}.yml"), None)
        return sorted(set(found))
    folder = company_folder(company)
    found += master_faults.faults(folder)
    for path in sorted(folder.glob("*.y*ml")):
        own = _File(path)
        if path.name == PROFILE:
            found += _of_profile(own)
            continue
        if path.stem not in all_feeds() or path.suffix != ".yml":
            near = ", ".join(difflib.get_close_matches(path.stem, all_feeds()))
            hint = f"; near: {near}" if near else ""
            found.append(
                own.at((), f"no feed is called {path.name.removesuffix('.yml')}: it is not read{hint}")
            )
            continue
        found += _checked(_File(CONTRACTS / path.name), own)
    return sorted(set(found))


def _of_profile(file: _File) -> Iterator[Found]:
    """Faults of company.yml."""
    if file.fault is not None:
        yield file.fault
        return
    yield from file.repeated()
    try:
        profile = Company.model_validate(file.content)
    except ValidationError as error:
        yield from (file.at(tuple(e["loc"]), told(e)) for e in error.errors())
        return
    rows = master.in_force(master.tables()["reason_crosswalk"], file.path.parent)
    known = dict.fromkeys(row.get("source_system", "") for row in rows)
    for system, spoken in profile.reason_systems.model_dump(exclude_unset=True).items():
        if spoken not in known:
            text = f"reason_crosswalk has no source_system {spoken!r}; there are {', '.join(known)}"
            yield file.at(("reason_systems", system), text)


def _checked(base: _File, own: _File | None) -> Iterable[Found]:
    file = own or base
    for given in filter(None, (base, own)):
        if given.fault is not None:
            return [given.fault]
    content = base.content | (own.content if own else {})

    def place(keys: Keys, text: str) -> Found:
        is_own = own is not None and bool(keys) and keys[0] in own.content
        return (own if is_own and own is not None else base).at(keys, text)

    found = list(file.repeated())
    layouts: dict[str, Layout] = {}
    declared = content.get("layouts") or {}
    if not isinstance(declared, dict):
        return [*found, place(("layouts",), "a mapping of names to layouts is expected")]
    whole = with_ready(base.path.stem, declared, lambda keys, text: found.append(place(keys, text)))
    for name, raw in whole.items():
        if raw is None and declared[name]:
            continue
        try:
            layouts[name] = Layout.model_validate(raw, context=KEEPING)
        except ValidationError as error:
            found += [place(("layouts", name, *e["loc"]), _told(e)) for e in error.errors()]
            rest = _without(raw, error)
            if rest is None:
                continue
            layouts[name] = rest
        found += [place(("layouts", name, key), f"{key}: {text}") for key, text in layouts[name].faults()]
    try:
        contract = Contract.model_validate(content | {"layouts": {}}, context=KEEPING)
    except ValidationError as error:
        return [*found, *(place(tuple(e["loc"]), told(e)) for e in error.errors())]
    whole = contract.model_copy(update={"layouts": layouts})
    found += [place(keys, text) for keys, text in whole.faults()]
    for name, layout in layouts.items():
        found += [place(("layouts", name, *keys), text) for keys, text in lint(whole, layout)]
    return found + list(_rivals(whole, place))


# Where one of these is at fault, what else there is to say of the layout may only follow from it.
BASIC = {"file", "format", "columns", "fields", "record", "widths", "names", "derive", "select", "timestamp"}


def _without(raw: dict[str, Any], error: ValidationError) -> Layout | None:
    """The layout without its keys at fault, of which more may be told; None where they are basic."""
    wrong = {str(e["loc"][0]) for e in error.errors() if e["loc"]}
    if wrong & BASIC or any(difflib.get_close_matches(key, BASIC) for key in wrong - KEYS):
        return None
    try:
        return Layout.model_validate({k: v for k, v in raw.items() if k not in wrong}, context=KEEPING)
    except ValidationError:
        return None


def _told(error: ErrorDetails) -> str:
    """What the model of a layout says, and which key was meant where there is no such one."""
    if error["type"] != "extra_forbidden":
        return told(error)
    *_, key = map(str, error["loc"])
    near = ", ".join(difflib.get_close_matches(key, KEYS if len(error["loc"]) == 1 else ()))
    return f"there is no key {key!r}" + (f"; near: {near}" if near else "")


def _rivals(contract: Contract, place: Any) -> Iterator[Found]:
    """Layouts of which one takes the files of the other, all of whose rows it takes, too."""
    for name, layout in contract.layouts.items():
        for other, rival in contract.layouts.items():
            sample = layout.name_pattern.example()
            if other == name or layout.rows or layout.select or layout.folder != rival.folder:
                continue
            if rival.takes(sample) and not (rival.rows or rival.select or rival.record or layout.record):
                yield place(
                    ("layouts", name, "file"), f"layout {other} takes its files, too: rows come twice"
                )
