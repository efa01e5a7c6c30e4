"""Text to dates and instants by formats whose parts vary in width: names of months, AM and PM, offsets.

Every text of a column is matched against one RE2 expression that the format is made into; the parts are
then turned into numbers a column at a time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from revlog.values.text import Mask, is_valid, mask

Numbers = np.ndarray[Any, np.dtype[np.int64]]

# Names and abbreviations of the months in English, German, French, Spanish, Italian, Dutch and
# Portuguese (CLDR); no name means one month here and another there.
_MONTHS = """
    jan january januar janvier janv enero ene gennaio gen januari janeiro
    feb february februar février févr fév febrero febbraio februari fevereiro fev
    mar march märz mär mrz mars marzo maart mrt março
    apr april avril avr abril abr aprile
    may mai mayo maggio mag mei maio
    jun june juni juin junio giugno giu junho
    jul july juli juillet juil julio luglio lug julho
    aug august août agosto ago augustus
    sep sept september septembre septiembre settembre set setembro
    oct october oktober okt octobre octubre ottobre ott outubro out
    nov november novembre noviembre novembro
    dec december dezember dez décembre déc diciembre dic dicembre dezembro
"""
MONTHS = {
    name: number for number, line in enumerate(_MONTHS.strip().splitlines(), start=1) for name in line.split()
}
# Minutes east of Greenwich: RFC 2822, section 4.3, and the European ones.
ZONES = {
    "UTC": 0, "GMT": 0, "UT": 0, "Z": 0,
    "EST": -300, "EDT": -240, "CST": -360, "CDT": -300, "MST": -420, "MDT": -360, "PST": -480, "PDT": -420,
    "WET": 0, "WEST": 60, "BST": 60, "CET": 60, "CEST": 120, "MEZ": 60, "MESZ": 120, "EET": 120, "EEST": 180,
}  # fmt: skip
_EXPRESSIONS = {
    "Y": r"\d{4}", "y": r"\d{2}", "m": r"\d{2}", "d": r"\d{2}", "j": r"\d{3}", "H": r"\d{2}", "I": r"\d{2}",
    "M": r"\d{2}", "S": r"\d{2}", "f": r"\d{1,9}", "p": r"(?i:[ap]\.?m\.?)", "b": r"\pL+\.?", "B": r"\pL+",
    "a": r"\pL+\.?", "A": r"\pL+", "z": r"Z|[+-]\d{2}:?(?:\d{2})?", "Z": r"[A-Z]+",
}  # fmt: skip
DIRECTIVES = "".join(f"%{letter} " for letter in _EXPRESSIONS) + "and %-m %-d %-H %-I %-M %-S"
EPOCHS = {"epoch": 1_000_000, "epoch_ms": 1_000, "epoch_us": 1}
# Years of two digits from here on are those of the last century, as strptime has it.
_PIVOT = 69


@dataclass(frozen=True)
class Parts:
    """Calendar fields by directive's letter, minutes east of Greenwich, and which rows have them all."""

    fields: dict[str, Numbers]
    micros: Numbers
    offset: Numbers
    valid: Mask


def expression(form: str) -> str:
    """The RE2 expression of a format, a named group for each directive.

    Raises ValueError for a directive that is not known, and for one that stands twice.
    """
    found: list[str] = []
    for piece in re.findall(r"%-?.|[^%]+|%\Z", form):
        letter = piece[-1]
        if piece[0] != "%":
            found.append(re.escape(piece))
        elif piece == "%%":
            found.append("%")
        elif piece[:2] == "%-" and letter in "mdHIMS":
            found.append(rf"(?P<{letter}>\d{{1,2}})")
        elif len(piece) == 2 and letter in _EXPRESSIONS:
            found.append(f"(?P<{letter}>{_EXPRESSIONS[letter]})")
        else:
            raise ValueError(f"{form!r}: {piece} is not one of {DIRECTIVES}")
    text = "".join(found)
    for letter in _EXPRESSIONS:
        if text.count(f"(?P<{letter}>") > 1:
            raise ValueError(f"{form!r}: %{letter} stands twice")
    return f"^(?:{text})$"


@lru_cache(maxsize=64)
def tells_instant(form: str) -> bool:
    """True where a format tells the offset from UTC, so that no zone is needed."""
    return form == "iso_offset" or form in EPOCHS or bool(re.search("%[zZ]", form.replace("%%", "")))


def read_parts(values: pa.StringArray, form: str) -> Parts:
    """Calendar fields of texts in a format; what is no such text is not valid."""
    found = pc.extract_regex(values, expression(form))
    valid = is_valid(found)
    names = [field.name for field in found.type]
    text = {name: pc.struct_field(found, [i]) for i, name in enumerate(names)}
    fields = {name: _integers(text[name]) for name in "YymdjHIMS" if name in text}
    for name in ("b", "B"):
        if name in text:
            fields["m"] = _looked_up(_bare(text[name]), MONTHS, valid)
    if "y" in fields:
        fields["Y"] = fields["y"] + np.where(fields["y"] < _PIVOT, 2000, 1900)
    if "I" in fields:
        fields["H"] = _hours(fields["I"], text.get("p"), valid)
    size = len(values)
    micros = _microseconds(text["f"]) if "f" in text else np.zeros(size, np.int64)
    offset = np.zeros(size, np.int64)
    if "z" in text:
        offset = _offset(text["z"], valid)
    elif "Z" in text:
        offset = _looked_up(text["Z"], ZONES, valid)
    return Parts(fields, micros, offset, valid)


def read_epoch(values: pa.StringArray, form: str) -> tuple[Numbers, Mask]:
    """Microseconds since 1970 of counts of seconds, milliseconds or microseconds."""
    valid = mask(pc.match_substring_regex(values, r"^-?\d{1,17}(?:\.\d+)?$")) & is_valid(values)
    texts = pc.if_else(pa.array(valid), values, "0")
    # PostgreSQL keeps microseconds; what is finer is cut.
    short = pc.replace_substring_regex(texts, r"(\.\d{6})\d+$", r"\1")
    scaled = pc.multiply(short.cast(pa.decimal128(25, 6)), pa.scalar(EPOCHS[form], pa.int32()))
    micros = pc.floor(scaled).cast(pa.int64(), safe=False).to_numpy(zero_copy_only=False)
    return micros, valid


def _integers(values: pa.StringArray) -> Numbers:
    numbers: Numbers = pc.fill_null(values, "0").cast(pa.int64()).to_numpy(zero_copy_only=False)
    return numbers


def _bare(names: pa.StringArray) -> pa.StringArray:
    return pc.replace_substring(pc.utf8_lower(names), ".", "")


def _looked_up(names: pa.StringArray, meanings: dict[str, int], valid: Mask) -> Numbers:
    """Number that each name stands for; `valid` becomes False where it stands for none."""
    index = pc.index_in(names, value_set=pa.array(meanings, pa.string()))
    valid &= is_valid(index)
    numbers = pc.fill_null(pc.take(pa.array(meanings.values(), pa.int64()), index), 0)
    found: Numbers = numbers.to_numpy(zero_copy_only=False)
    return found


def _hours(hours: Numbers, half: pa.StringArray | None, valid: Mask) -> Numbers:
    """Hours of the day of those of half a day: 12 AM is midnight."""
    valid &= (hours >= 1) & (hours <= 12)
    if half is None:
        return hours
    is_afternoon = mask(pc.match_substring_regex(half, "^[pP]"))
    return hours % 12 + 12 * is_afternoon


def _microseconds(fraction: pa.StringArray) -> Numbers:
    padded = pc.utf8_slice_codeunits(pc.utf8_rpad(pc.fill_null(fraction, ""), 6, "0"), 0, 6)
    return _integers(padded)


def _offset(values: pa.StringArray, valid: Mask) -> Numbers:
    """Minutes east of Greenwich of Z, +02:00, +0200 and +02."""
    digits = pc.replace_substring(pc.replace_substring_regex(values, "^Z$", "+0000"), ":", "")
    padded = pc.utf8_rpad(pc.fill_null(digits, "+0000"), 5, "0")
    hours = _integers(pc.utf8_slice_codeunits(padded, 1, 3))
    minutes = _integers(pc.utf8_slice_codeunits(padded, 3, 5))
    valid &= (hours < 24) & (minutes < 60)
    sign = np.where(mask(pc.starts_with(padded, "-")), -1, 1)
    return sign * (hours * 60 + minutes)
