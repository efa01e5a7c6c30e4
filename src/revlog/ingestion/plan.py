"""How a layout's SELECT runs on a file: the columns that it makes, and the query that gives them as text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from revlog.contracts.layout import LIST_SEPARATOR, Kind
from revlog.contracts.selection import LINE, LINEAGE, RECORD, Selection
from revlog.values.reasons import FileRejected, Rejection

if TYPE_CHECKING:
    import duckdb

ROWS = "rows_of_file"  # where the whole file waits; the SELECT sees it as `file`
_WHOLE_NUMBER = r"U?(?:TINY|SMALL|BIG|HUGE)?INT(?:EGER)?|BIGNUM"
_ONE = rf"{_WHOLE_NUMBER}|DECIMAL\([^)]*\)|VARCHAR|JSON|UUID|BOOLEAN|ENUM\(.*\)"
_KINDS: tuple[tuple[str, Kind, str], ...] = (
    (rf"{_WHOLE_NUMBER}|DECIMAL\([^)]*\)", "number", "cast({0} as varchar)"),
    (r"VARCHAR|JSON|UUID|ENUM\(.*\)|\"NULL\"", "text", "cast({0} as varchar)"),
    (r"BOOLEAN", "boolean", "cast({0} as varchar)"),
    (r"DATE", "date", "cast({0} as varchar)"),
    (r"TIMESTAMP(?:_S|_MS|_NS)?", "timestamp", "strftime({0}, '%Y-%m-%dT%H:%M:%S.%f')"),
    (r"TIMESTAMP WITH TIME ZONE", "instant", "strftime({0}, '%Y-%m-%dT%H:%M:%S.%fZ')"),
    (rf"(?:{_ONE})\[\d*\]", "list", "array_to_string(cast({0} as varchar[]), '" + LIST_SEPARATOR + "')"),
)
_ADVICE = {
    "DOUBLE": "a binary fraction: use divide(a, b), or round and cast to decimal(18, 2)",
    "FLOAT": "a binary fraction: use divide(a, b), or round and cast to decimal(18, 2)",
}


@dataclass(frozen=True)
class Plan:
    """`columns` are those of the result beside its lineage, by name, with what they are.

    `query` gives `_record_no`, for a whole file `_line_no`, and the columns as text, in the file's order.
    """

    columns: dict[str, Kind]
    query: str


def plan(connection: duckdb.DuckDBPyConnection, selection: Selection) -> Plan:
    """Bind the SELECT to the relation `file` that the connection has.

    Raises MissingColumnError where the file lacks a column that the SELECT names, and FileRejected for
    results that are no rows of a file: without `_record_no`, with a column twice, or of a type that no text
    can tell.
    """
    import duckdb

    try:
        connection.execute(f"describe {selection.text}")
        described = [(str(name), str(kind)) for name, kind, *_ in connection.fetchall()]
    except duckdb.Error as error:
        if missing := re.match(r'Referenced column "(.+)" not found', told(error)):
            raise MissingColumnError(missing[1]) from error
        raise refused(told(error)) from error
    _refuse_repeated([name for name, _ in described])
    wanted = {name: kind for name, kind in described if name not in LINEAGE}
    texts = [f"{_as_text(name, kind)} as {quoted(name)}" for name, kind in wanted.items()]
    rows = f"select {RECORD}, {', '.join(texts)} from ({selection.text}) as made"
    if not selection.is_row_by_row:
        rows = (
            f"select made.{RECORD}, origin.{LINE}, made.* exclude ({RECORD}) from ({rows}) as made"
            f" left join (select {RECORD}, {LINE} from {ROWS}) as origin using ({RECORD})"
        )
    if not (selection.is_row_by_row and selection.keeps_order):
        rows += " order by all"
    return Plan({name: _kind(name, kind)[0] for name, kind in wanted.items()}, rows)


class MissingColumnError(ValueError):
    """The SELECT names a column that the file lacks."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def quoted(name: str) -> str:
    """A name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def told(error: Exception) -> str:
    """DuckDB's own words, without what it shows of the query."""
    text = str(error).split("\n\nLINE ")[0]
    text = re.sub(r"^[A-Z][A-Za-z ]+ Error: ", "", text)
    text = re.sub(r"^Python exception occurred while executing the UDF: \w+: ", "", text)
    return re.sub(r"\s+", " ", text).strip()


def refused(detail: str) -> FileRejected:
    """The rejection of a file on which the SELECT can't run."""
    return FileRejected(
        Rejection.SELECT, f"{detail}; correct the layout's `select`, or ask for the file again"
    )


def _refuse_repeated(names: list[str]) -> None:
    plain = [name.casefold() for name in names]
    if RECORD not in names:
        raise refused(
            f"it yields no {RECORD}, by which a row is traced to its line: select it too, or "
            f"min({RECORD}) as {RECORD} where rows are grouped"
        )
    if twice := sorted({name for name in names if plain.count(name.casefold()) > 1}):
        raise refused(
            f"it yields {', '.join(twice)} twice: write `select * replace (… as {twice[0]})`, or leave one "
            f"out with `* exclude ({twice[0]})`"
        )


def _kind(name: str, kind: str) -> tuple[Kind, str]:
    for pattern, found, text in _KINDS:
        if re.fullmatch(pattern, kind):
            return found, text
    advice = _ADVICE.get(kind, f"a {kind}: cast it to a text, number, date or timestamp")
    raise refused(f"its column {name} is {advice}")


def _as_text(name: str, kind: str) -> str:
    return _kind(name, kind)[1].format(f"made.{quoted(name)}")
