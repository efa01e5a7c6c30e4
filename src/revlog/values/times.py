"""Text to dates and instants by one declared format; local times to UTC."""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from revlog.values.datepatterns import EPOCHS, expression, read_epoch, read_parts
from revlog.values.reasons import Reason
from revlog.values.text import Mask, data, is_valid, lengths

WIDTHS = {"Y": 4, "m": 2, "d": 2, "H": 2, "M": 2, "S": 2}
# Dates outside are typing errors or fillers such as 1900-01-01 and 9999-12-31.
EARLIEST_YEAR, LATEST_YEAR = 1990, 2100
MICROSECONDS = 1_000_000
_DEFAULTS = {"Y": 1970, "m": 1, "d": 1, "H": 0, "M": 0, "S": 0}
_SHORT_OFFSET = "%Y-%m-%dT%H:%M:%S%z"
Instants = np.ndarray[Any, np.dtype[np.int64]]
Fields = np.ndarray[Any, Any]  # of the smallest type that holds them
Faults = list[tuple[Mask, Reason]]
_DAYS_IN_MONTH = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], dtype=np.uint8)


def parse(values: pa.StringArray, form: str, as_written: bool = False) -> tuple[Instants, Mask]:
    """Microseconds since 1970 of texts in a format, and which texts are valid.

    UTC where the format tells an instant (`tells_instant`), else, or `as_written`, what a clock showed.
    """
    if form in EPOCHS:
        return read_epoch(values, form)
    if form == "iso_offset":
        return parse_iso_offset(values, as_written)
    if _is_fixed(form):
        return parse_fixed(values, form)
    return _parse_pattern(values, form, as_written)


def _parse_pattern(values: pa.StringArray, form: str, as_written: bool) -> tuple[Instants, Mask]:
    parts = read_parts(values, form)
    valid, fields = parts.valid, dict(parts.fields)
    for name, default in _DEFAULTS.items():
        fields.setdefault(name, np.full(len(values), default, dtype=np.int64))
    if "j" in fields:
        in_year = fields["Y"] % 4 == 0
        in_year &= (fields["Y"] % 100 != 0) | (fields["Y"] % 400 == 0)
        valid &= (fields["j"] >= 1) & (fields["j"] <= 365 + in_year)
    micros = _micros(fields, valid) + parts.micros
    if "j" in fields:
        micros += (fields["j"] - 1) * 86_400 * MICROSECONDS
    return micros - (0 if as_written else 60 * MICROSECONDS) * parts.offset, valid


def parse_fixed(values: pa.StringArray, form: str) -> tuple[Instants, Mask]:
    """Microseconds since 1970 of texts in a format of fixed width, and which texts are valid.

    `form` has strptime's %Y %m %d %H %M %S and literal characters.
    """
    pieces, width = _pieces(form)
    fits = (lengths(values) == width) & is_valid(values)
    if fits.all():
        return _read_cells(_cells(values, width), pieces)
    micros = np.zeros(len(values), dtype=np.int64)
    valid = fits.copy()
    micros[fits], valid[fits] = _read_cells(_cells(values.filter(pa.array(fits)), width), pieces)
    return micros, valid


def _cells(values: pa.StringArray, width: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Characters of texts that are all `width` bytes long, those of one place side by side."""
    return np.asfortranarray(np.frombuffer(data(values), np.uint8).reshape(-1, width))


def parse_iso_offset(values: pa.StringArray, as_written: bool = False) -> tuple[Instants, Mask]:
    """UTC microseconds of ISO 8601 instants with `Z` or an offset such as +02:00 or +0200."""
    micros = np.zeros(len(values), dtype=np.int64)
    valid = np.zeros(len(values), dtype=bool)
    sizes = lengths(values)
    is_zulu = np.zeros(len(values), dtype=bool)
    for size in np.unique(sizes[is_valid(values)]):
        rows = np.flatnonzero((sizes == size) & is_valid(values))
        if size < 20:
            continue
        cells = _cells(pc.take(values, pa.array(rows)), size)
        is_zulu = cells[:, -1] == ord("Z")
        for zulu in (True, False):
            part = cells[is_zulu] if zulu else cells[~is_zulu]
            if not len(part) or (not zulu and size < 25):
                continue
            at = rows[is_zulu] if zulu else rows[~is_zulu]
            micros[at], valid[at] = _iso_cells(part, 1 if zulu else 6, as_written)
    if (other := is_valid(values) & ~valid).any():
        few = values.filter(pa.array(other))
        micros[other], valid[other] = _parse_pattern(few, _SHORT_OFFSET, as_written)
    return micros, valid


def range_fault(micros: Instants, valid: Mask, latest: dt.date | None = None) -> Mask:
    """True for instants outside the years that can be meant, or after the `latest` day."""
    low = int(np.datetime64(f"{EARLIEST_YEAR}", "us").astype(np.int64))
    last = latest or dt.date(LATEST_YEAR, 12, 31)
    high = int(np.datetime64(last + dt.timedelta(days=1), "us").astype(np.int64))
    return valid & ((micros < low) | (micros >= high))


def to_utc(micros: Instants, valid: Mask, zone: str, gap: str, overlap: str) -> tuple[Instants, Mask]:
    """Local times of one zone to UTC; the mask names those that the zone rule can't place.

    In the gap `shift_forward` takes the first instant after it. In the overlap `first` takes the
    earlier instant, `second` the later. `quarantine` names the row.
    """
    if zone == "UTC":
        return micros, np.zeros(len(micros), dtype=bool)
    local = pd.DatetimeIndex(micros.view("datetime64[us]")).where(valid)
    ambiguous: Any = "NaT" if overlap == "quarantine" else np.full(len(local), overlap == "first")
    there = local.tz_localize(
        zone,
        ambiguous=ambiguous,
        nonexistent="shift_forward" if gap == "shift_forward" else "NaT",
    )
    lost = np.asarray(there.isna()) & valid
    utc = there.tz_convert("UTC").tz_localize(None).as_unit("us").to_numpy().view(np.int64)
    return np.where(valid & ~lost, utc, 0), lost


def in_zone(micros: Instants, zone: str) -> Instants:
    """What clocks in a zone show at UTC instants."""
    instants = pd.DatetimeIndex(micros.view("datetime64[us]"), tz="UTC")
    local = instants.tz_convert(zone).tz_localize(None).as_unit("us").to_numpy()
    return local.view(np.int64)


def as_timestamps(micros: Instants, good: Mask) -> pa.Array:
    """UTC timestamps, null where not good."""
    return pa.array(micros, pa.timestamp("us", "UTC"), mask=None if good.all() else ~good)


def as_dates(micros: Instants, good: Mask) -> pa.Array:
    """Dates, null where not good."""
    days = (micros // (86_400 * MICROSECONDS)).astype(np.int32)
    return pa.array(days, pa.int32(), mask=~good).cast(pa.date32())


@lru_cache(maxsize=64)
def _pieces(form: str) -> tuple[tuple[tuple[str, int, int], ...], int]:
    """Directives (letter, start, end) and literal characters (character, start, -1) of a format.

    Raises ValueError for a directive that has no fixed width.
    """
    found: list[tuple[str, int, int]] = []
    at = 0
    for piece in re.findall(r"%.|[^%]", form):
        if piece[0] != "%":
            found.append((piece, at, -1))
            at += 1
        elif piece[1] in WIDTHS:
            found.append((piece[1], at, at + WIDTHS[piece[1]]))
            at += WIDTHS[piece[1]]
        else:
            raise ValueError(f"{form!r}: {piece} is not one of %Y %m %d %H %M %S")
    return tuple(found), at


@lru_cache(maxsize=64)
def _is_fixed(form: str) -> bool:
    try:
        _pieces(form)
    except ValueError:
        return False
    return True


def check_format(form: str) -> str:
    """Return `form`; raises ValueError where it has a directive that is not known."""
    if form != "iso_offset" and form not in EPOCHS:
        expression(form)
    return form


def _read_cells(
    cells: np.ndarray[Any, np.dtype[np.uint8]], pieces: tuple[tuple[str, int, int], ...]
) -> tuple[Instants, Mask]:
    sound = np.ones(len(cells), dtype=bool)
    numbers: dict[str, Any] = {}
    for piece, start, end in pieces:
        if end < 0:
            sound &= cells[:, start] == ord(piece)
        else:
            numbers[piece] = _digits(cells[:, start:end], sound)
    for name, default in _DEFAULTS.items():
        numbers.setdefault(name, np.full(len(cells), default, dtype=np.int64))
    return _micros(numbers, sound), sound


def _digits(cells: np.ndarray[Any, np.dtype[np.uint8]], sound: Mask) -> Fields:
    """Value of the digits of each row; `sound` becomes False where one is no digit."""
    digits = cells - np.uint8(48)  # bytes below "0" wrap to large numbers
    sound &= (digits < 10).all(axis=1)
    places = digits.shape[1]
    value: Fields = digits[:, 0].astype(np.uint8 if places <= 2 else np.uint16 if places <= 4 else np.int64)
    for place in range(1, places):
        value = value * 10 + digits[:, place]
    return value


def _micros(n: dict[str, Fields], sound: Mask) -> Instants:
    """Microseconds since 1970 of calendar fields; `sound` becomes False for impossible ones."""
    sound &= (n["m"] >= 1) & (n["m"] <= 12) & (n["d"] >= 1)
    sound &= (n["H"] < 24) & (n["M"] < 60) & (n["S"] < 60)
    month = np.where(sound, n["m"], 1)
    leap = (n["Y"] % 4 == 0) & ((n["Y"] % 100 != 0) | (n["Y"] % 400 == 0))
    sound &= n["d"] <= _DAYS_IN_MONTH[month] + (leap & (month == 2))
    year, day, hour, minute, second = (n[f].astype(np.int64) for f in "YdHMS")
    months = ((year - 1970) * 12 + month - 1).astype("datetime64[M]")
    days = months.astype("datetime64[D]").astype(np.int64) + day - 1
    return (((days * 24 + hour) * 60 + minute) * 60 + second) * MICROSECONDS


def _iso_cells(
    cells: np.ndarray[Any, np.dtype[np.uint8]], offset_width: int, as_written: bool
) -> tuple[Instants, Mask]:
    """Read rows of equal length that all end in Z (width 1) or an offset (width 6)."""
    pieces, width = _pieces("%Y-%m-%dT%H:%M:%S")
    micros, sound = _read_cells(cells[:, :width], pieces)
    fraction = cells[:, width:-offset_width]
    if fraction.shape[1] == 1 or fraction.shape[1] > 10:
        return micros, np.zeros(len(cells), dtype=bool)
    if fraction.shape[1]:
        sound &= fraction[:, 0] == ord(".")
        digits = fraction[:, 1:7]  # PostgreSQL keeps microseconds; what is finer is cut
        micros = micros + _digits(digits, sound).astype(np.int64) * 10 ** (6 - digits.shape[1])
        _digits(fraction[:, 1:], sound)
    if offset_width == 6:
        offset = _offset(cells[:, -6:], sound)
        micros = micros if as_written else micros - offset
    return micros, sound


def _offset(cells: np.ndarray[Any, np.dtype[np.uint8]], sound: Mask) -> Instants:
    is_minus = cells[:, 0] == ord("-")
    sound &= (cells[:, 0] == ord("+")) | is_minus
    sound &= cells[:, 3] == ord(":")
    hours = _digits(cells[:, 1:3], sound).astype(np.int64)
    minutes = _digits(cells[:, 4:6], sound).astype(np.int64)
    sound &= (hours < 24) & (minutes < 60)
    return np.where(is_minus, -1, 1) * (hours * 60 + minutes) * 60 * MICROSECONDS
