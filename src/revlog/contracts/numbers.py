"""Text to exact numbers: whole numbers and decimals, never a float on the way."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from revlog.contracts.layout import Layout
from revlog.values.reasons import Reason
from revlog.values.text import Mask, consists_of, data, is_valid, mask, translated, without

# Digits before and after the point of each money-like type, as in raw's SQL types.
PRECISIONS = {"money": (18, 2), "price": (18, 4), "rate": (20, 8)}
_NUMBER = r"^-?(?:\d+\.?\d*|\.\d+)$"
Faults = list[tuple[Mask, Reason]]
# Spaces, of which some do not break and some are narrow, and apostrophes.
ALIKE = (" \u00a0\u2007\u2009\u202f", "'\u2019")


def plain_numbers(values: pa.StringArray, layout: Layout) -> tuple[pa.StringArray, Faults]:
    """The layout's spelling as digits with a point and a leading minus; null where it is none."""
    point = layout.decimal.encode()
    for symbol in layout.symbols:
        values = _without_symbol(values, re.escape(symbol))
    if "trailing_minus" in layout.negatives:
        values = _minus_in_front(values)
    if consists_of(values, b"0123456789-" + point):
        return (values if point == b"." else translated(values, point, b".")), []
    plain = _signs_in_front(values, layout)
    fits = mask(pc.match_substring_regex(plain, _spelling(layout)))
    if layout.thousands:
        plain = pc.replace_substring_regex(plain, _mark(layout), "")
    if layout.decimal != ".":
        plain = pc.replace_substring(plain, layout.decimal, ".")
    bad = ~fits & is_valid(values)
    return without(plain, bad), [(bad, Reason.NOT_A_NUMBER)]


def to_integer(plain: pa.StringArray) -> tuple[pa.Array, Faults]:
    """Whole numbers of 64 bits; `2.0` is one, `2.5` has too many decimals."""
    if consists_of(plain, b"0123456789-"):
        try:
            return plain.cast(pa.int64()), []
        except pa.ArrowInvalid:
            pass
    plain, faults = _sound(plain)
    plain = pc.replace_substring_regex(plain, r"\.0*$", "")
    fine = mask(pc.match_substring(plain, "."))
    plain = without(plain, fine)
    huge = mask(pc.match_substring_regex(plain, r"^-?0*[1-9]\d{18,}$"))
    huge &= ~_fits_int64(plain, huge)
    numbers = without(plain, huge).cast(pa.int64())
    return numbers, [*faults, (fine, Reason.TOO_MANY_DECIMALS), (huge, Reason.NUMBER_OUT_OF_RANGE)]


def to_decimal(plain: pa.StringArray, size: tuple[int, int]) -> tuple[pa.Array, Faults]:
    """Exact decimals of a precision and scale; zeros beyond the scale are no decimals."""
    precision, scale = size
    wanted = pa.decimal128(precision, scale)
    try:
        return plain.cast(wanted), []
    except pa.ArrowInvalid:
        plain, faults = _sound(plain)
    plain = pc.replace_substring_regex(plain, rf"(\.\d{{{scale}}})0+$", r"\1")
    fine = mask(pc.match_substring_regex(plain, rf"\.\d{{{scale + 1},}}$"))
    huge = mask(pc.match_substring_regex(plain, rf"^-?0*[1-9]\d{{{precision - scale},}}(\.|$)"))
    plain = without(plain, fine | huge)
    # Arrow counts leading zeros as digits.
    plain = pc.replace_substring_regex(plain, r"^(-?)0+(\d)", r"\1\2")
    faults += [(fine, Reason.TOO_MANY_DECIMALS), (huge, Reason.NUMBER_OUT_OF_RANGE)]
    return plain.cast(wanted), faults


def is_negative(numbers: pa.Array) -> Mask:
    """True for whole numbers and decimals below zero: their highest word has the sign."""
    words = np.frombuffer(numbers.buffers()[1], np.int64)
    size = numbers.type.bit_width // 64
    highest = words[size * numbers.offset + size - 1 : size * (numbers.offset + len(numbers)) : size]
    return (highest < 0) & is_valid(numbers)


def rounded_product(left: pa.StringArray, right: pa.StringArray, decimals: int) -> pa.StringArray:
    """Product of plain numbers, half away from zero; where one is none, no number either."""
    bad = np.zeros(len(left), dtype=bool)
    factors = []
    for values in (left, right):
        numbers, faults = to_decimal(values, PRECISIONS["price"])
        bad |= np.logical_or.reduce([np.zeros(len(left), dtype=bool), *(f for f, _ in faults)])
        factors.append(numbers)
    product = pc.round(pc.multiply(*factors), decimals, round_mode="half_towards_infinity")
    text = product.cast(pa.decimal128(38, decimals)).cast(pa.string())
    # Left to be quarantined with what was multiplied.
    shown = pc.binary_join_element_wise(left, right, " * ", null_handling="replace")
    return pc.if_else(pa.array(bad), shown, text)


def _sound(plain: pa.StringArray) -> tuple[pa.StringArray, Faults]:
    bad = ~mask(pc.match_substring_regex(plain, _NUMBER)) & is_valid(plain)
    return without(plain, bad), [(bad, Reason.NOT_A_NUMBER)]


def _fits_int64(plain: pa.StringArray, long: Mask) -> Mask:
    """Of the `long` numbers those that 64 bits can hold; looked at one by one, there are few."""
    fits = np.zeros(len(plain), dtype=bool)
    for i in np.flatnonzero(long):
        fits[i] = -(2**63) <= int(plain[int(i)].as_py()) < 2**63
    return fits


def _mark(layout: Layout) -> str:
    """What separates thousands, as a pattern; the same mark may have several characters."""
    given = layout.thousands or ""
    return next((f"[{alike}]" for alike in ALIKE if given and given in alike), re.escape(given))


def _spelling(layout: Layout) -> str:
    point, mark = re.escape(layout.decimal), _mark(layout)
    whole = rf"(?:\d+|\d{{1,3}}(?:{mark}\d{{3}})+)" if mark else r"\d+"
    return rf"^-?(?:{whole}(?:{point}\d*)?|{point}\d+)$"


def _without_symbol(values: pa.StringArray, symbol: str) -> pa.StringArray:
    """Numbers without the sign of their currency in front of or behind the digits."""
    values = pc.replace_substring_regex(values, rf"^([-(]?)\s*{symbol}\s*([-(]?)", r"\1\2")
    return pc.replace_substring_regex(values, rf"\s*{symbol}\s*([-)]?)$", r"\1")


def _minus_in_front(values: pa.StringArray) -> pa.StringArray:
    """Move a minus behind the digits in front of them."""
    if b"-" not in bytes(data(values)):
        return values
    ends = mask(pc.match_substring_regex(values, r"^[0-9.,][0-9.,' ]*-$"))
    turned = pc.replace_substring_regex(values.filter(pa.array(ends)), r"^(.*)-$", r"-\1")
    return pc.replace_with_mask(values, pa.array(ends), turned)


def _signs_in_front(values: pa.StringArray, layout: Layout) -> pa.StringArray:
    """Bring the declared ways to write a negative number to a leading minus."""
    digits = r"([0-9][0-9.,' ]*)"
    forms = {
        "parentheses": rf"^\({digits}\)$",
        "cr": rf"^{digits} CR$",
    }
    for name, form in forms.items():
        if name in layout.negatives:
            values = pc.replace_substring_regex(values, form, r"-\1")
    return values
