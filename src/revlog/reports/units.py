"""How figures are written for people: each with its unit."""

from __future__ import annotations

import re
from decimal import Decimal

# A KPI's unit, as its definition has it, and what stands behind its ratio.
SHORT = {
    "hours per unit": " h",
    "days per refund": " d",
    "days per claim": " d",
    "days": " d",
    "g CO2e per unit": " g CO₂e",
    "cases per return line": " cases a line",
    "points per case": " of 5 points",
}
# Of the last word of a unit, such as `return lines`, or of the first of `grams CO₂e`.
PLURAL = re.compile(r"s(?=$| CO₂e| × )")
# Of a numerator or denominator that is money.
CURRENCY = "currency"


def is_money(unit: str) -> bool:
    """True where the ratio itself is an amount of the reporting currency."""
    return CURRENCY in unit


def suffix(unit: str, currency: str) -> str:
    """What stands behind a ratio: a currency and what it is for, a unit, or nothing where it is per cent."""
    if is_money(unit):
        return f" {unit.replace(f'reporting {CURRENCY}', currency)}"
    return SHORT.get(unit, "" if unit == "ratio" else f" {unit}")


def counted(value: Decimal | None) -> str:
    """A numerator or denominator for people: units without decimals, amounts with two."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if value == int(value) else f"{value:,.2f}"


def counted_in(value: Decimal | None, unit: str, currency: str) -> str:
    """A numerator or denominator with its unit; an amount always with its cents."""
    if value is None:
        return "–"
    if unit == CURRENCY:
        return f"{value:,.2f} {currency}"
    # Of `units × 30` the value is 30 times as many as there are units.
    _, sign, times = unit.partition(" × ")
    number = value / int(times) if sign else value
    return f"{counted(number)} {PLURAL.sub('', unit, count=1) if number == 1 else unit}".strip()


def shown(value: Decimal | None, unit: str) -> str:
    """A ratio for people: per cent where it is a plain one, units as counted, otherwise two decimals."""
    if value is None:
        return "–"
    if unit == "units":
        return counted(value)
    return f"{value:.1%}" if unit == "ratio" else f"{value:,.2f}"


def shown_in(value: Decimal | None, unit: str, currency: str) -> str:
    """A ratio with its unit."""
    return shown(value, unit) + (suffix(unit, currency) if value is not None else "")
