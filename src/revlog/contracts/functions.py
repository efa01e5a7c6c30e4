"""What the SELECT of a layout may call beside DuckDB's own functions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pyarrow as pa

from revlog.contracts.layout import Layout
from revlog.contracts.numbers import plain_numbers, to_decimal
from revlog.contracts.sandbox import sandbox
from revlog.values.currencies import WITH_THREE_DECIMALS, WITHOUT_DECIMALS
from revlog.values.text import as_array, trimmed

if TYPE_CHECKING:
    import duckdb

# What `number` gives: room for every amount, and for the decimals of a rate.
SIZE = (28, 8)
NUMBER = f"DECIMAL{SIZE}"
_POWERS = " ".join(f"when {n} then {10**n}" for n in range(9))
# DuckDB's own / gives a binary fraction. Here whole numbers are divided, half away from zero.
_MACROS = (
    "create macro minor_digits(currency) as case"
    f" when upper(currency) in {WITHOUT_DECIMALS} then 0"
    f" when upper(currency) in {WITH_THREE_DECIMALS} then 3 else 2 end",
    "create macro minor(units, currency) as cast(number(cast(units as varchar)) * case minor_digits(currency)"
    f" when 0 then 1.000 when 3 then 0.001 else 0.010 end as {NUMBER})",
    "create macro ten_to(n) as cast(case n " + _POWERS + " end as hugeint)",
    "create macro scaled(x) as cast(cast(x as decimal(38, 8)) * 100000000 as hugeint)",
    "create macro half_up(a, b) as sign(a) * sign(b) * ((2 * abs(a) + abs(b)) // (2 * abs(b)))",
    "create macro divide(a, b, decimals := 2) as cast(cast(half_up(scaled(a) * ten_to(decimals), scaled(b))"
    f" * ten_to(8 - decimals) as decimal(38, 0)) * 0.00000001 as {NUMBER})",
    "create macro apportion(amount, part, up_to, whole) as case when amount = 0 then amount"
    " else divide(amount * up_to, whole) - divide(amount * (up_to - part), whole) end",
    "create macro items(objects) as from_json(objects, '[\"json\"]')",
)


@contextmanager
def sandbox_of(layout: Layout) -> Iterator[duckdb.DuckDBPyConnection]:
    """A sandbox with the functions that the layout's SELECT may use."""
    with sandbox() as connection:
        _add_number(connection, layout)
        for macro in _MACROS:
            connection.execute(macro)
        yield connection


class NumberError(ValueError):
    """A text that `number` can't read; the message is a reason's code and the text."""


def _add_number(connection: duckdb.DuckDBPyConnection, layout: Layout) -> None:
    """Make the layout's reading of numbers a function of DuckDB."""
    from duckdb.func import ARROW, SPECIAL

    def number(values: pa.Array) -> pa.Array:
        text = trimmed(as_array(values))
        plain, faults = plain_numbers(text, layout)
        numbers, more = to_decimal(plain, SIZE)
        for bad, reason in (*faults, *more):
            if bad.any():
                raise NumberError(f"{reason}: {text.filter(pa.array(bad))[0].as_py()!r}")
        return numbers

    connection.create_function(
        "number", number, ["VARCHAR"], NUMBER, type=ARROW, null_handling=SPECIAL,
    )  # fmt: skip
