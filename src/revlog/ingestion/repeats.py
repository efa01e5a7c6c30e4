"""Rows of one file that share a key: repetitions, older versions, conflicts, or true repeats.

While a file is sent only one number a key is kept. Where two are equal the database looks at the rows
that it has just taken, says which lose, and takes those back within the same transaction. So a file
is sent once; what is kept of the losers are the numbers of their records.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
import psycopg
import pyarrow as pa
from psycopg import sql

from revlog.contracts.contract import SQL_TYPES, Contract
from revlog.values.hashing import Numbers, row_numbers

# Numbers held in memory, 32 MB; what is more goes to a temporary file.
HELD = 1 << 22


class Keys:
    """Keys seen in a file, as 64-bit numbers: whether some key may stand twice."""

    def __init__(self, contract: Contract) -> None:
        self._columns = contract.key
        self._held: list[Numbers] = []
        self._count = 0
        self._total = 0
        self._file: IO[bytes] | None = None

    def look(self, rows: pa.Table) -> None:
        """Remember the keys of some rows."""
        if not rows.num_rows:
            return
        self._held.append(row_numbers(rows.column(n).combine_chunks() for n in self._columns))
        self._count += rows.num_rows
        self._total += rows.num_rows
        if self._count > HELD:
            self._spill()

    def may_repeat(self) -> bool:
        """True where two numbers are equal: their keys are, too, but for a rare coincidence."""
        if self._file is None:
            return _has_equal(self._held)
        self._spill()
        parts = -(-self._total // HELD)
        return any(_has_equal(self._part(part, parts)) for part in range(parts))

    def _spill(self) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115  it lives as long as the keys
        for numbers in self._held:
            self._file.write(numbers.tobytes())
        self._held, self._count = [], 0

    def _part(self, part: int, parts: int) -> list[Numbers]:
        """The numbers of one of several equal ranges."""
        assert self._file is not None
        self._file.seek(0)
        found: list[Numbers] = []
        while block := self._file.read(8 << 20):
            numbers = np.frombuffer(block, np.uint64)
            place = (numbers >> np.uint64(32)) * np.uint64(parts) >> np.uint64(32)
            found.append(numbers[place == part])
        return found


def _has_equal(pieces: list[Numbers]) -> bool:
    if not pieces:
        return False
    numbers = np.concatenate(pieces)
    numbers.sort()
    return bool((numbers[1:] == numbers[:-1]).any())


@dataclass(frozen=True)
class Losers:
    """Record numbers of the rows that were taken back: repetitions or older, and conflicts."""

    duplicate: list[int]
    conflict: list[int]


def settle(connection: psycopg.Connection[Any], contract: Contract, file_id: int) -> Losers:
    """Judge the rows of a file that share a key, in the transaction that loads it.

    Keeps one row a key (equal rows once, else the newest version; without a newest none), or, where
    the contract keeps all, numbers them in the order of the file.
    """
    if contract.duplicates == "keep_all":
        _number(connection, contract, file_id)
        return Losers([], [])
    found = connection.execute(_judgement(contract), (file_id,)).fetchall()
    losers = Losers([r for r, is_lost in found if not is_lost], [r for r, is_lost in found if is_lost])
    records = losers.duplicate + losers.conflict
    connection.execute("select ops.take_back($1, $2, $3::bigint[])", (contract.feed, file_id, records))
    return losers


def _number(connection: psycopg.Connection[Any], contract: Contract, file_id: int) -> None:
    found = connection.execute(_ordinals(contract), (file_id,)).fetchall()
    connection.execute(
        "select ops.number_repeats($1, $2, $3::bigint[], $4::integer[])",
        (contract.feed, file_id, [record for record, _ in found], [n for _, n in found]),
    )


_REPEATED = """
with repeated as (
    select {key}
    from raw.{feed}
    where _file_id = $1
    group by {key}
    having count(*) > 1
),

sharing as (
    select {key}, _record_no, _row_hash, {version} as _version
    from raw.{feed}
    inner join repeated using ({key})
    where _file_id = $1
)
"""
# Of equal rows the first stays. Of the contents that are left the newest wins where there is one.
_JUDGEMENT = """,

numbered as (
    select
        *,
        row_number() over (partition by {key}, _row_hash order by _record_no) as repetition
    from sharing
),

contents as (
    select
        *,
        count(*) over of_key as contents,
        count(_version) over of_key as versions,
        max(_version) over of_key as newest
    from numbered
    where repetition = 1
    window of_key as (partition by {key})
),

judged as (
    select
        *,
        contents = versions
        and count(*) filter (where _version = newest) over (partition by {key}) = 1 as has_winner
    from contents
    where contents > 1
)

select _record_no, false as is_conflict
from numbered
where repetition > 1
union all
select _record_no, not has_winner as is_conflict
from judged
where not (has_winner and _version = newest)
order by _record_no
"""
_ORDINALS = """,

numbered as (
    select _record_no, row_number() over (partition by {key} order by _record_no) as ordinal
    from sharing
)

select _record_no, ordinal
from numbered
where ordinal > 1
"""


def _judgement(contract: Contract) -> sql.Composed:
    return _statement(_REPEATED + _JUDGEMENT, contract)


def _ordinals(contract: Contract) -> sql.Composed:
    return _statement(_REPEATED + _ORDINALS, contract)


def _statement(text: str, contract: Contract) -> sql.Composed:
    return sql.SQL(text).format(
        feed=sql.Identifier(contract.feed),
        key=sql.SQL(", ").join(map(sql.Identifier, contract.key)),
        version=_version(contract),
    )


def _version(contract: Contract) -> sql.Composable:
    if contract.version is None:
        return sql.SQL("null::bigint")
    is_text = SQL_TYPES[contract.columns[contract.version].type] == "text"
    return sql.SQL("{}{}").format(
        sql.Identifier(contract.version), sql.SQL(' collate "C"' if is_text else "")
    )
