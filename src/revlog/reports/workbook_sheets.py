"""The sheets of the finance workbook, in the order in which a controller reads them.

Money of different currencies is never added up, and of the five gaps only the three of the chain
(E-M, M-P, P-G) are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

from xlsxwriter.utility import xl_col_to_name

from revlog.config.settings import variable
from revlog.outputs.escaping import formula_text
from revlog.reports import period as reader
from revlog.reports.closing import as_reported, is_closed, restatements, status_lines
from revlog.reports.period import AGES, LEG_NAMES, LEGS, Publication
from revlog.reports.sheets import ROWS_MOST, Area, Book, Column, Formula, Link, Sheet
from revlog.reports.snapshots import Reader, Row

GAP_SIDES = {"E-M": ("E", "M"), "M-P": ("M", "P"), "P-G": ("P", "G"), "M-T": ("M", "T"), "M-G": ("M", "GM")}
CHAIN = ("E-M", "M-P", "P-G")
ZERO = Decimal(0)
NOT_CARRIED = "not carried"
# Rows above the first row of a list: title, two notes, an empty row, the head.
LIST_HEAD = 5


@dataclass
class Month:
    """What the sheets share: who reads what, and what was found on the way."""

    connection: Reader
    night: Publication
    period: str
    proof: list[Row] = field(default_factory=list)
    aged: list[Row] = field(default_factory=list)
    rollforward: list[Row] = field(default_factory=list)
    document_sums: list[Row] = field(default_factory=list)
    # Whether the night that published it lists what each period closes with.
    has_items: bool = False
    documents: int = 0
    # Legs of which the company carries no feed.
    not_carried: tuple[str, ...] = ()
    # Where the documents of a group begin and end on their sheet, as rows counted from 0.
    documents_of: dict[str, tuple[int, int]] = field(default_factory=dict)
    # What the items of either list and their documents differ by, by list and currency.
    items_off: dict[tuple[str, str], Decimal] = field(default_factory=lambda: defaultdict(Decimal))

    def read(self, query: str) -> list[Row]:
        """Rows of a query of this period."""
        return reader.read(self.connection, query, **self._given)

    def stream(self, query: str, most: int = ROWS_MOST) -> Iterator[Row]:
        """Rows of a query of this period, few at a time."""
        return reader.stream(self.connection, query, **self._given, most=most)

    @property
    def _given(self) -> Row:
        return {"period": self.period, "business_date": self.night.business_date}

    @property
    def documents_listed(self) -> int:
        """How many documents fit on their sheet."""
        return min(self.documents, ROWS_MOST - LIST_HEAD)


def write_sheets(book: Book, connection: Reader, night: Publication, period: str) -> None:
    """Write every sheet of the period's workbook."""
    month = Month(connection, night, period)
    month.proof, month.aged = month.read(reader.PROOF), month.read(reader.AGED)
    month.rollforward = month.read(reader.ROLLFORWARD)
    month.has_items = month.read(reader.HAS_PERIOD_ITEMS)[0]["has_them"]
    items = month.read(reader.PERIOD_ITEMS_SUMS) if month.has_items else []
    amounts = {(row["gap"], row["class"], row["currency"]): row["amount"] for row in items}
    for row in month.rollforward:
        row["listed"] = amounts.get((row["gap"], row["class"], row["currency"]), ZERO)
    month.document_sums = month.read(reader.DOCUMENT_SUMS)
    month.not_carried = reader.not_carried(connection)
    month.documents = month.read(reader.DOCUMENTS_COUNT)[0]["count"]
    sheets = {
        name: book.sheet(name)
        for name in (
            "Summary", "Proof", "By class and age", "Exceptions", "Earlier open items", "Roll-forward",
            "Open at the end", "Roll-forward by day", "As reported", "Restatements", "Documents",
            "Period before", "Terms",
        )
    }  # fmt: skip
    # A formula names the rows that it adds up, so the lists are written before what sums them, and what
    # they lead to before the lists.
    documents = _documents(sheets["Documents"], month)
    listed = _exceptions(sheets["Exceptions"], month)
    earlier = _earlier(sheets["Earlier open items"], month)
    proof = _proof(sheets["Proof"], month, documents)
    classes = _by_class_and_age(sheets["By class and age"], month, listed, proof)
    at_end = _open_at_the_end(sheets["Open at the end"], month)
    rolled = _rollforward(sheets["Roll-forward"], month, at_end)
    days = _rollforward_by_day(sheets["Roll-forward by day"], month)
    before = _before(sheets["Period before"], month)
    lists = Lists(proof, listed, earlier, classes, rolled, days, documents, before)
    _summary(sheets["Summary"], month, lists)
    _as_reported(sheets["As reported"], month)
    _restatements(sheets["Restatements"], month)
    _terms(sheets["Terms"], month)


# --- Summary


@dataclass(frozen=True)
class Lists:
    """Where the tables of the other sheets stand, for the formulas of the summary."""

    proof: Area
    exceptions: Area
    earlier: Area
    classes: Area
    rollforward: Area
    days: Area
    # None where its sheet does not hold all of them
    documents: Area | None
    # None in the first period
    before: Before | None


@dataclass(frozen=True)
class Before:
    """Legs and gaps of the period before, and where they stand."""

    period: str
    legs: list[Row]
    area: Area


def _summary(sheet: Sheet, month: Month, lists: Lists) -> None:
    sheet.widths([26, 14, *[12] * 11])
    sheet.title(f"Refund reconciliation {month.period}")
    _particulars(sheet, month)
    _sign_off(sheet)
    sheet.heading("Legs and gaps")
    _legs_and_gaps(sheet, month, lists)
    _checks(sheet, month, lists)
    _exposure(sheet, month, lists)
    _items(sheet, month, lists)
    sheet.heading("Where to look")
    for name, what in WHERE.items():
        sheet.link(name, what)


def _legs_and_gaps(sheet: Sheet, month: Month, lists: Lists) -> None:
    """By entity, as the proof has them; below, by currency, all of them, beside those of the period before,
    and the change."""
    legs, columns, before = list(_legs(month.proof)), LEG_COLUMNS, lists.before
    unknown = _not_carried(month.not_carried)
    rows = [
        _with_gaps(row | _from_proof(row, lists.proof), row, number, columns) | unknown
        for number, row in enumerate(legs, start=sheet.row + 2)
    ]
    area = sheet.table(columns, rows)
    for currency in sorted({row["currency"] for row in (*legs, *(before.legs if before else []))}):
        sheet.line_of(columns, _totals(area, legs, currency, columns) | unknown, bold=True, top=1)
        if before:
            then, now = _sums(before.legs, currency), _sums(legs, currency)
            named = {"entity": f"All entities in {before.period}", "currency": currency}
            sums = _totals(before.area, before.legs, currency, columns)
            sheet.line_of(columns, sums | named | unknown)
            sheet.line_of(columns, named | _change(columns, now, then, sheet.row) | unknown, italic=True)
    sheet.row += 1


LEG_COLUMNS = (
    Column("entity", "Entity", 24), Column("currency", "Currency", 9),
    *(Column(leg, f"{name} ({leg})", 14, "amount") for leg, name in LEG_NAMES.items()),
    *(Column(gap, gap.replace("-", " − "), 12, "amount") for gap in GAP_SIDES),
)  # fmt: skip


def _before(sheet: Sheet, month: Month) -> Before | None:
    """Legs of the period before by entity, as its proof has them now; None where there is none."""
    period = _period_before(month)
    proof = reader.read(month.connection, reader.PROOF, period=period) if period else []
    legs = list(_legs(proof))
    sheet.widths([column.width for column in LEG_COLUMNS])
    sheet.title(
        f"Period before: {period}" if period else "Period before",
        "Its legs by entity, as its proof has them now, and their gaps. The summary compares with them.",
    )
    unknown = _not_carried(month.not_carried)
    rows = [
        _with_gaps(row, row, number, LEG_COLUMNS) | unknown
        for number, row in enumerate(legs, start=sheet.row + 2)
    ]
    area = sheet.table(LEG_COLUMNS, rows, is_main=True, frozen=2, empty="There is no earlier period.")
    return Before(period, legs, area) if period else None


def _sums(legs: list[Row], currency: str) -> Row:
    """Legs and gaps of a currency over the entities."""
    found: Row = {leg: sum((r[leg] for r in legs if r["currency"] == currency), ZERO) for leg in LEGS}
    return found | {gap: found[left] - found[right] for gap, (left, right) in GAP_SIDES.items()}


def _change(columns: tuple[Column, ...], now: Row, then: Row, row: int) -> Row:
    """The two lines above less each other; `row` is that below them, counted from 0."""
    found: Row = {"entity": "Change"}
    for place, column in enumerate(columns[2:], start=2):
        name = xl_col_to_name(place)
        formula = f"=ROUND({name}{row - 1}-{name}{row},2)"
        found[column.field] = Formula(formula, now[column.field] - then[column.field])
    return found


def _not_carried(lacking: tuple[str, ...]) -> Row:
    """Words in place of the amounts of legs that the company lacks, and of their gaps."""
    gaps = [gap for gap, sides in GAP_SIDES.items() if set(sides) & set(lacking)]
    return dict.fromkeys((*lacking, *gaps), NOT_CARRIED)


def _period_before(month: Month) -> str | None:
    earlier = [known for known in reader.periods(month.connection, month.night) if known < month.period]
    return earlier[-1] if earlier else None


SIGN_OFF = ("Prepared by", "Reviewed by", "Approved by")


def _sign_off(sheet: Sheet) -> None:
    """Room for three names with their days; who closed the period in the system stands above."""
    sheet.heading("Sign-off")
    for role in SIGN_OFF:
        sheet.line(role, "", "", "", "Date", "", "", "Signature", "", "", "", height=26, bottom=4)
    sheet.row += 1


WHERE = {
    "Proof": "From leg to leg: each leg as the sources have it, the bridge by class, and the check that is 0",
    "By class and age": "Open cents of the period by class and days",
    "Exceptions": "Each difference with owner, age and next action, and the way to its documents",
    "Earlier open items": "What of earlier periods is still open or waited for, however old",
    "Open at the end": "Each item that the roll-forward closes with, also where it was cleared since",
    "Roll-forward": "Opening + new − cleared ± reclassified = closing, for the period and by day",
    "As reported": "The proof as it was frozen when the period was closed, beside what holds now",
    "Restatements": "The documents and gaps by which the two differ",
    "Documents": "Every row of a feed that a leg is made of, with file and line; all of each listed group",
    "Period before": "The legs that the summary compares with",
    "Terms": "What legs, gaps, classes and statuses mean",
}


def _particulars(sheet: Sheet, month: Month) -> None:
    days = month.read(reader.DAYS)[0]
    lines = [
        ("Period", f"{days['first_day']} to {days['last_day']}" if days["first_day"] else month.period),
        *status_lines(month.connection, month.period),
        ("As of", month.night.business_date),
        ("Publication", f"{month.night.publication_id} of {month.night.published_at:%Y-%m-%d %H:%M} UTC"),
        ("Code version", month.night.code_version),
    ]
    for name, value in lines:
        sheet.line(name, value)
    sheet.row += 1


def _legs(proof: list[Row]) -> Iterator[Row]:
    """One row an entity and currency: its legs in the groups' currency."""
    found: dict[tuple[str, str], Row] = {}
    for line in proof:
        if line["line"] == "leg":
            key = line["entity"], line["currency"]
            row = found.setdefault(key, dict.fromkeys(LEGS, ZERO))
            row |= {"entity": line["entity"], "currency": line["currency"], line["leg"]: line["amount"]}
    yield from found.values()


def _from_proof(row: Row, proof: Area) -> Row:
    """The legs of the row as sums over the proof."""
    names = {"entity": row["entity"], "currency": row["currency"], "line": "leg"}
    return {leg: Formula(_sumifs(proof, "amount", **names, leg=leg), row[leg]) for leg in LEGS}


def _with_gaps(row: Row, amounts: Row, number: int, columns: tuple[Column, ...]) -> Row:
    """The row with its gaps as differences of its legs, which come to `amounts`; `number` is its row as Excel
    counts."""
    at = {column.field: chr(ord("A") + place) for place, column in enumerate(columns)}
    return row | {
        gap: Formula(f"=ROUND({at[left]}{number}-{at[right]}{number},2)", amounts[left] - amounts[right])
        for gap, (left, right) in GAP_SIDES.items()
    }


def _totals(area: Area, legs: list[Row], currency: str, columns: tuple[Column, ...]) -> Row:
    """Sums of a currency over the entities."""
    values = _sums(legs, currency)
    sums: Row = {
        column.field: Formula(_sumifs(area, column.field, currency=currency), values[column.field])
        for column in columns[2:]
    }
    return sums | {"entity": "All entities", "currency": currency}


def _items(sheet: Sheet, month: Month, lists: Lists) -> None:
    """How many items of the period are open, and how many of earlier ones still are."""
    sheet.heading("Items of the period, and of earlier ones that are still open")
    found: dict[tuple[str, str, bool], list[Decimal | int]] = defaultdict(lambda: [0, ZERO])
    for row in month.aged:
        entry = found[(row["status"], row["currency"], row["is_chain"])]
        entry[0] += row["items"]
        entry[1] += row["amount"]
    rows: list[Row] = [
        {"status": status, "currency": currency, "gaps": _kind(chain)}
        | _counted_and_summed(lists.exceptions, chain, items, amount, status=status, currency=currency)
        for (status, currency, chain), (items, amount) in sorted(found.items())
    ]
    rows += [
        {"status": "open, earlier periods", "gaps": _kind(True), "currency": row["currency"]}
        | _counted_and_summed(
            lists.earlier, True, row["chain_items"], row["amount"], currency=row["currency"]
        )
        for row in month.read(reader.EARLIER)
    ]
    sheet.table(
        (
            Column("status", "Status", 24), Column("currency", "Currency", 9),
            Column("items", "Items", 9, "count"), Column("amount", "Amount", 14, "amount"),
            Column("gaps", "Gaps", 14),
        ),
        rows, empty="Nothing is open.",
    )  # fmt: skip
    sheet.row += 1


def _counted_and_summed(
    area: Area, is_chain: bool, items: Decimal | int, amount: Decimal | int, **equal: str
) -> Row:
    """How many rows of a list are of the chain, or beside it, and like this, and what they come to."""
    counted = [_countifs(area, gap=gap, **equal) for gap in _gaps(is_chain)]
    summed = [_of_sumifs(area, "amount", gap=gap, **equal) for gap in _gaps(is_chain)]
    return {
        "items": Formula(f"=ROUND({'+'.join(counted)},2)", items),
        "amount": Formula(f"=ROUND({'+'.join(summed)},2)", amount),
    }


def _gaps(is_chain: bool) -> list[str]:
    return [gap for gap in GAP_SIDES if (gap in CHAIN) == is_chain]


def _kind(is_chain: bool) -> str:
    return "of the chain E-M, M-P, P-G" if is_chain else "beside it: M-T, M-G"


def _checks(sheet: Sheet, month: Month, lists: Lists) -> None:
    """What must be 0, a column a currency: sums over the other sheets, which change with them."""
    sheet.heading("Checks: each must be 0")
    left = checks_of(month)
    currencies = sorted({currency for amounts in left.values() for currency in amounts})
    columns = (
        Column("name", "Check", 36), Column("sheet", "See", 14),
        *(Column(currency, currency, 14, "amount", f"of {currency}") for currency in currencies),
    )  # fmt: skip
    own: Row = {f"of {currency}": currency for currency in currencies}
    rows: list[Row] = [
        {"name": name, "sheet": CHECKED_ON[name], **own}
        | {currency: _checked(name, currency, amounts[currency], lists) for currency in currencies}
        for name, amounts in left.items()
    ]
    area = sheet.table(columns, rows)
    for currency in currencies:
        sheet.flag(area, currency)
    sheet.row += 1


CHECKED_ON = {
    "Gaps less their classes": "Proof",
    "Bridges less exceptions": "By class and age",
    "Items less their documents": "Exceptions",
    "Earlier items less their documents": "Earlier open items",
    "Legs less their documents": "Documents",
    "Documents less their amounts there": "Documents",
    "Opening to closing": "Roll-forward",
    "Closing less its items": "Open at the end",
    "Opening to closing, day by day": "Roll-forward by day",
}
NEEDS_DOCUMENTS = {name for name in CHECKED_ON if name.endswith(("their documents", "amounts there"))}


def _checked(name: str, currency: str, left: Decimal, lists: Lists) -> Formula | Decimal:
    """The check as a sum over its sheet; a mere amount where the documents are not all listed."""
    if name in NEEDS_DOCUMENTS and lists.documents is None:
        return left
    documents = lists.documents or lists.proof
    area, amount, equal = {
        "Gaps less their classes": (lists.proof, "{recomputed}", {"line": "check"}),
        "Bridges less exceptions": (lists.classes, "{off}", {}),
        "Items less their documents": (lists.exceptions, "{off}", {}),
        "Earlier items less their documents": (lists.earlier, "{off}", {}),
        "Legs less their documents": (lists.proof, "{off}", {"line": "source"}),
        "Documents less their amounts there": (documents, "ROUND({amount}*{rate},2)-{group_amount}", {}),
        "Opening to closing": (lists.rollforward, "{off}", {}),
        "Closing less its items": (lists.rollforward, "{closing_amount}-{listed}", {}),
        "Opening to closing, day by day": (
            lists.days,
            "{opening_amount}+{new_amount}-{cleared_amount}+{reclassified_amount}-{closing_amount}",
            {},
        ),
    }[name]
    return Formula(f"=ROUND({_gross(area, amount, {**equal, 'currency': currency})},2)", left)


def _gross(area: Area, amount: str, equal: dict[str, str]) -> str:
    """Part of a formula: absolute amounts, made of columns in braces, of the rows that are like this."""
    ranges = {column.field: area.range(column.field) for column in area.columns}
    wanted = "".join(f"({ranges[name]}={formula_text(value)})*" for name, value in equal.items())
    return f"SUMPRODUCT({wanted}ABS({amount.format(**ranges)}))"


# Per cent of the period's cash; an item above it is material by itself.
MATERIALITY_PCT = "0.5"


def _exposure(sheet: Sheet, month: Month, lists: Lists) -> None:
    """What is at stake by currency: owed and overpaid don't cancel out, in the chain and beside it.
    Materiality goes by the cash paid."""
    percent = Decimal(variable("MATERIALITY_PCT", MATERIALITY_PCT))
    sheet.heading(f"Exposure: what is open or waited for, against {percent.normalize():f} % of the cash paid")
    sheet.line(GROSS)
    sheet.line(DECIDED)
    columns = (
        Column("name", "Of all gaps", 27), Column("currency", "Currency", 11),
        Column("gross", "Gross, of the period", 13, "amount"),
        Column("earlier", "Gross, of earlier ones", 13, "amount"),
        *(Column(kind, title, 12, "amount") for kind, title in SETTLED_BY_DECISION.items()),
        Column("left", "Gross, left", 12, "amount"),
        Column("net", "Net, of the chain", 13, "amount"),
        Column("threshold", "Materiality", 13, "amount"), Column("above", "Left above it", 9, "count"),
    )  # fmt: skip
    found = month.read(reader.EXPOSURE)
    paid: dict[str, Decimal] = defaultdict(Decimal)
    for leg in _legs(month.proof):
        paid[leg["currency"]] += leg["P"]
    rows: list[Row] = []
    for currency in sorted(paid.keys() | {row["currency"] for row in found}):
        mine = [row for row in found if row["currency"] == currency]
        threshold = abs(paid[currency] * percent / 100).quantize(Decimal("0.01"), ROUND_HALF_UP)
        both = lists.exceptions, lists.earlier
        net = [_of_sumifs(area, "open_amount", gap=gap, currency=currency) for area in both for gap in CHAIN]
        cash = _of_sumifs(lists.proof, "amount", line="leg", leg="P", currency=currency)
        # the row which the table writes next
        number = sheet.row + 2 + len(rows)
        above = ("gross_amount", f'">"&I{number}')
        undecided = [("decision", f'"<>{kind}"') for kind in SETTLED_BY_DECISION]
        decided = {
            kind: sum((r["gross_amount"] for r in mine if r["decision"] == kind), ZERO)
            for kind in SETTLED_BY_DECISION
        }
        sums = {
            is_earlier: sum((r["gross_amount"] for r in mine if r["is_earlier"] == is_earlier), ZERO)
            for is_earlier in (False, True)
        }
        rows.append({
            "name": "open or waiting", "currency": currency,
            "gross": Formula(_sumifs(lists.exceptions, "gross_amount", currency=currency), sums[False]),
            "earlier": Formula(_sumifs(lists.earlier, "gross_amount", currency=currency), sums[True]),
            **{kind: _decided_as(kind, both, currency, amount) for kind, amount in decided.items()},
            "left": Formula(
                f"=ROUND(C{number}+D{number}-E{number}-F{number},2)",
                sum(sums.values(), ZERO) - sum(decided.values(), ZERO),
            ),
            "net": Formula(
                f"=ROUND({'+'.join(net)},2)",
                sum((r["open_amount"] for r in mine if r["is_chain"]), ZERO),
            ),
            "threshold": Formula(f"=ROUND(ABS({cash})*{percent.normalize():f}/100,2)", threshold),
            "above": Formula(
                f"=ROUND({'+'.join(_countifs(a, above, *undecided, currency=currency) for a in both)},2)",
                sum(r["gross_amount"] > threshold for r in mine if r["decision"] not in SETTLED_BY_DECISION),
            ),
        })  # fmt: skip
    sheet.table(columns, rows, empty="Nothing is open.")
    sheet.row += 1


def _decided_as(kind: str, lists: tuple[Area, Area], currency: str, amount: Decimal) -> Formula:
    """Gross amounts of either list that were decided on so."""
    sums = [_of_sumifs(area, "gross_amount", currency=currency, decision=kind) for area in lists]
    return Formula(f"=ROUND({'+'.join(sums)},2)", amount)


# Decisions after which nobody pursues an item
SETTLED_BY_DECISION = {"accept": "Of both accepted", "write_off": "Of both written off"}
DECIDED = (
    "Accepted and written off: what was decided on at the amount that it still has. Left is what nobody has"
    " decided on, or is pursued; the net amount holds both."
)
GROSS = (
    "Gross: absolute amounts of all that is open. An amount that stands in several gaps of a group under one"
    " class counts once; of cash (M-P) and refunds issued (M-T) only the larger counts."
)


def checks_of(month: Month) -> dict[str, dict[str, Decimal]]:
    """What must be 0 in the period, by check and currency; differences don't cancel out."""
    left: dict[str, dict[str, Decimal]] = {name: defaultdict(Decimal) for name in CHECKED_ON}
    for row in month.proof:
        if row["line"] == "check":
            left["Gaps less their classes"][row["currency"]] += abs(row["amount"])
    for (_, currency, _), amount in _bridges_beside_exceptions(month).items():
        left["Bridges less exceptions"][currency] += abs(amount)
    for (_, _, currency), amount in _sources_beside_documents(month).items():
        left["Legs less their documents"][currency] += abs(amount)
    for row in month.rollforward:
        left["Opening to closing"][row["currency"]] += abs(_rolled(row) - row["closing_amount"])
        left["Closing less its items"][row["currency"]] += abs(row["closing_amount"] - row["listed"])
    for (sheet, currency), amount in month.items_off.items():
        (name,) = (n for n, on in CHECKED_ON.items() if on == sheet)
        left[name][currency] += amount
    for row in month.read(reader.DAYS_OFF):
        left["Opening to closing, day by day"][row["currency"]] += row["amount"]
    return left


def _bridges_beside_exceptions(month: Month) -> dict[tuple[str, str, str], Decimal]:
    """Differences by gap, currency and class. CUTOFF of a period is also what its legs differ by because
    they fell into another one, so it is in the bridge alone."""
    sums: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    for row in month.proof:
        if row["line"] == "bridge" and row["class"] != "CUTOFF":
            sums[(row["gap"], row["currency"], row["class"])] += row["amount"]
    for row in month.aged:
        if row["class"] != "CUTOFF":
            sums[(row["gap"], row["currency"], row["class"])] += row["amount"]
    return sums


def _sources_beside_documents(month: Month) -> dict[tuple[str, str, str], Decimal]:
    sums: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    for row in month.proof:
        if row["line"] == "source":
            sums[(row["leg"], row["entity"], row["currency"])] += row["amount"]
    for row in month.document_sums:
        sums[(row["leg"], row["entity"], row["currency"])] -= row["amount"]
    return sums


# --- Proof


def _proof(sheet: Sheet, month: Month, documents: Area | None) -> Area:
    columns = (
        Column("entity", "Entity", 16), Column("currency", "Currency", 9), Column("label", "Line", 58),
        Column("line", "Kind", 10), Column("gap", "Gap", 6), Column("class", "Class", 27),
        Column("amount", "Amount", 16, "amount"), Column("recomputed", "Recomputed here", 16, "amount"),
        Column("off", "Off by", 11, "amount"), Column("leg", "Leg", 5),
    )  # fmt: skip
    sheet.widths([column.width for column in columns])
    sheet.title(
        "Proof",
        "Leg, less its classes, is the next leg: E to M to P to G. Beside the chain, M to T and M to GM.",
        "Recomputed: a source from the documents, a leg from its source, a check from its legs and classes.",
    )
    area = sheet.table(columns, _proof_rows(month, sheet.row + 2, documents), is_main=True, frozen=3)
    sheet.flag(area, "off")
    return area


def _proof_rows(month: Month, first: int, documents: Area | None) -> Iterator[Row]:
    """Lines of the proof; `first` is the row of the first one, as Excel counts."""
    blocks: dict[tuple[str, str], list[tuple[int, Row]]] = defaultdict(list)
    for number, line in enumerate(month.proof, start=first):
        blocks[(line["entity"], line["currency"])].append((number, line))
    sums = {
        (row["leg"], row["entity"], row["currency"]): row["amount"]
        for row in month.document_sums
    }  # fmt: skip
    for block in blocks.values():
        for number, line in block:
            recomputed = _recomputed(line, block, sums, documents)
            yield line | {"recomputed": recomputed, "off": _off(line, number, recomputed)} | _look(line)


def _off(line: Row, number: int, recomputed: Formula | None) -> Formula | None:
    if recomputed is None:
        return None
    return Formula(f"=ROUND(G{number}-H{number},2)", line["amount"] - recomputed.value)


def _look(line: Row) -> Row:
    if line["line"] in ("leg", "check"):
        return {"_style": {"bold": True, "bg_color": "#f3f6f9"}}
    return {}


def _recomputed(
    line: Row, block: list[tuple[int, Row]], sums: dict[tuple[str, str, str], Decimal], documents: Area | None
) -> Formula | None:
    """What a line must be by other lines: formula and value."""
    kind = line["line"]
    if kind == "source" and documents:
        key = line["leg"], line["entity"], line["currency"]
        names = dict(zip(("leg", "entity", "currency"), key, strict=True)) | {"period": line["period"]}
        return Formula(_sumifs(documents, "amount", **names), sums.get(key, ZERO))
    if kind == "leg":
        kinds = ("source", "converted")
        return _sum([(n, o, 1) for n, o in block if o["leg"] == line["leg"] and o["line"] in kinds])
    if kind == "check":
        signs = {line["left_leg"]: 1, line["right_leg"]: -1}
        parts = [(n, o, signs[o["leg"]]) for n, o in block if o["line"] == "leg" and o["leg"] in signs]
        parts += [(n, o, 1) for n, o in block if o["line"] == "bridge" and o["gap"] == line["gap"]]
        return _sum(parts)
    return None


def _sum(parts: list[tuple[int, Row, int]]) -> Formula:
    written = "".join(f"{'+' if sign > 0 else '-'}G{number}" for number, _, sign in parts) or "0"
    return Formula(f"=ROUND({written},2)", sum((sign * o["amount"] for _, o, sign in parts), ZERO))


# --- Exceptions


# The first of them are printed, what a reader of the paper needs; the others are for the screen.
EXCEPTION_COLUMNS = (
    Column("entity", "Entity", 13), Column("gap", "Gap", 5), Column("class", "Class", 25),
    Column("currency", "Currency", 8), Column("amount", "Amount", 13, "amount"),
    Column("status", "Status", 9), Column("age_days", "Age in days", 6, "count"),
    Column("group_key", "Group", 20), Column("owner", "Owner", 14, wraps=True),
    Column("next_action", "Next action", 30, wraps=True),
    Column("decision", "Decided", 11, wraps=True), Column("decided_by", "By", 11, wraps=True),
    Column("documents", "Documents", 12), Column("decided_on", "Decided on", 11, "date"),
    Column("decided_why", "Why", 40),
    Column("age_bucket", "Age", 7),
    Column("open_since", "Open since", 11, "date"), Column("first_seen_on", "First seen", 11, "date"),
    Column("last_seen_on", "Last seen", 11, "date"), Column("last_amount", "Last amount", 13, "amount"),
    Column("pattern_name", "Legs there are", 24), Column("order_no", "Order", 16),
    Column("order_line_no", "Order line", 7, "text"), Column("rma_no", "RMA", 17),
    Column("refund_id", "Refund", 17), Column("memo_no", "Memo", 17),
    Column("open_amount", "Open", 13, "amount"), Column("gross_amount", "Gross", 13, "amount"),
    Column("explained_amount", "Explained beside it", 13, "amount"),
    Column("off", "Off by its documents", 11, "amount"),
)  # fmt: skip


EXCEPTIONS_PRINTED = 12


def _exceptions(sheet: Sheet, month: Month) -> Area:
    sheet.widths([column.width for column in EXCEPTION_COLUMNS])
    sheet.title(
        "Exceptions",
        "One row a group, gap and class of which the last document is of this period; what was cleared in the"
        " last 31 days has the amount 0.",
        "Add up one currency at a time, and either the gaps E-M, M-P, P-G or one of the others. Decided:"
        " revlog period resolve --group … --as accept --by …",
    )
    query = f"select * from finance.refund_exceptions where period = '{month.period}'"
    rows = _at_most(month.stream(reader.EXCEPTIONS), ROWS_MOST - LIST_HEAD, "entity", query)
    count = month.read(reader.EXCEPTIONS_COUNT)[0]["count"]
    linked = _with_documents(sheet, EXCEPTION_COLUMNS, rows, month, count)
    empty = "No exception in this period."
    area = sheet.table(EXCEPTION_COLUMNS, linked, is_main=True, frozen=5, empty=empty)
    sheet.flag(area, "off")
    sheet.prints(EXCEPTIONS_PRINTED)
    return area


def _with_documents(
    sheet: Sheet, columns: tuple[Column, ...], rows: Iterable[Row], month: Month, count: int
) -> Iterator[Row]:
    """The rows with a link to the first of their groups' documents, and what they differ from these by."""
    # The first of them is asked for when the head stands.
    first = sheet.row
    listed = Area(sheet.name, columns, first, min(first + count, ROWS_MOST) - 1)
    for number, row in enumerate(rows, start=first + 1):
        place = month.documents_of.get(row.get("group_key", ""))
        link = {"documents": Link("Documents", place[0], "documents")} if place else {}
        yield row | link | _off_documents(listed, number, row, place, month)


def _off_documents(listed: Area, number: int, row: Row, place: tuple[int, int] | None, month: Month) -> Row:
    """What the classes of the row's gap, listed or explained, differ by from its legs' documents."""
    at = {c.field: f"{xl_col_to_name(n)}{number}" for n, c in enumerate(listed.columns)}
    if row.get("status") == "cleared":
        return {"off": Formula(f"=ROUND({at['amount']},2)", row["amount"])}
    if place is None or month.documents > month.documents_listed:
        return {}
    documents = Area("Documents", DOCUMENT_COLUMNS, *place)
    left, right = (
        f"SUMIFS({documents.range('group_amount')},{documents.range('leg')},{formula_text(leg)})"
        for leg in GAP_SIDES[row["gap"]]
    )
    same = "".join(f"({listed.range(name)}={at[name]})*" for name in ("group_key", "gap"))
    off = row["listed_amount"] + row["explained_amount"] - row["documents_amount"]
    month.items_off[listed.sheet, row["currency"]] += abs(off)
    classes = f"SUMPRODUCT({same}{listed.range('amount')})+{at['explained_amount']}"
    return {"off": Formula(f"=ROUND({classes}-{left}+{right},2)", off)}


def _earlier(sheet: Sheet, month: Month) -> Area:
    columns = (Column("period", "Period", 9), *EXCEPTION_COLUMNS)
    sheet.widths([column.width for column in columns])
    sheet.title(
        "Earlier open items",
        "What of earlier periods is open or waited for, however old: it stands here until it is settled.",
        "Add up one currency at a time, and either the gaps E-M, M-P, P-G or one of the others.",
    )
    query = f"select * from finance.refund_exceptions where period < '{month.period}' and status = 'open'"
    rows = _at_most(month.stream(reader.OPEN_EARLIER), ROWS_MOST - LIST_HEAD, "period", query)
    count = month.read(reader.EARLIER_COUNT)[0]["count"]
    linked = _with_documents(sheet, columns, rows, month, count)
    empty = "Nothing of earlier periods is open."
    area = sheet.table(columns, linked, is_main=True, frozen=6, empty=empty)
    sheet.flag(area, "off")
    sheet.prints(EXCEPTIONS_PRINTED + 1)
    return area


def _at_most(rows: Iterable[Row], most: int, first: str, query: str) -> Iterator[Row]:
    """The rows, or as many as fit and one that says in field `first` how to read the rest."""
    for number, row in enumerate(rows, start=1):
        if number == most:
            yield {first: f"LEFT OUT: this row and those after it; all of them: {query}"}
            return
        yield row


def _by_class_and_age(sheet: Sheet, month: Month, listed: Area, proof: Area) -> Area:
    columns = (
        Column("gap", "Gap", 5), Column("class", "Class", 24), Column("currency", "Currency", 8),
        Column("status", "Status", 9), Column("owner", "Owner", 10, wraps=True),
        *(Column(age, f"{age} days", 11, "amount") for age in AGES), Column("amount", "Amount", 12, "amount"),
        Column("bridge", "In the proof", 11, "amount"), Column("off", "Off by", 9, "amount"),
        *(Column(f"items {age}", f"Items\n{age}", 7, "count") for age in AGES),
        Column("items", "Items", 7, "count"),
    )  # fmt: skip
    sheet.widths([column.width for column in columns])
    sheet.title(
        "Exceptions by class and age",
        "Cents and items of the period that are not cleared, by days since the first leg stood without the"
        " other.",
        "Amount adds up the rows of sheet Exceptions, In the proof the bridges of sheet Proof; that of CUTOFF"
        " also holds what fell into another period.",
    )
    pivot = _pivot(month)
    at = [column.field for column in columns]
    amount, bridge = (xl_col_to_name(at.index(name)) for name in ("amount", "bridge"))
    rows = [
        _with_listed(row, listed, proof, f"{amount}{number}-{bridge}{number}")
        for number, row in enumerate(pivot, start=sheet.row + 2)
    ]
    area = sheet.table(columns, rows, is_main=True, frozen=3, empty="Nothing is open in this period.")
    sheet.flag(area, "off")
    if rows:
        _gap_totals(sheet, columns, area, rows, [*AGES, "amount"])
    # How many items is for the screen
    sheet.prints(at.index("off") + 1)
    return area


def _pivot(month: Month) -> list[Row]:
    """One row a gap, class and currency with a field for each age, and what the proof bridges by it."""
    found: dict[tuple[str, str, str], Row] = {}
    for row in month.aged:
        entry = found.setdefault(
            (row["gap"], row["class"], row["currency"]),
            {n: row[n] for n in ("gap", "class", "currency", "status", "owner")}
            | {"amount": ZERO, "items": 0},
        )
        entry[row["age_bucket"]], entry[f"items {row['age_bucket']}"] = row["amount"], row["items"]
        entry["amount"] += row["amount"]
        entry["items"] += row["items"]
    for line in (line for line in month.proof if line["line"] == "bridge" and line["amount"]):
        key = line["gap"], line["class"], line["currency"]
        names = dict(zip(("gap", "class", "currency"), key, strict=True))
        entry = found.setdefault(key, names | {"status": "", "owner": "", "amount": ZERO, "items": 0})
        entry["bridged"] = entry.get("bridged", ZERO) - line["amount"]
    return list(found.values())


def _with_listed(row: Row, listed: Area, proof: Area, difference: str) -> Row:
    names = {name: row[name] for name in ("gap", "class", "currency")}
    bridged = row.get("bridged", ZERO)
    bridge = _sumifs(proof, "amount", line="bridge", **names).replace("=ROUND(", "=ROUND(-", 1)
    cells: Row = {
        "amount": Formula(_sumifs(listed, "amount", **names), row["amount"]),
        "bridge": Formula(bridge, bridged),
    }  # fmt: skip
    if row["class"] != "CUTOFF":
        cells["off"] = Formula(f"=ROUND({difference},2)", row["amount"] - bridged)
    return row | cells


def _gap_totals(
    sheet: Sheet, columns: tuple[Column, ...], area: Area, rows: list[Row], fields: list[str]
) -> None:
    """Below a table: sums by gap and currency, as formulas on the table."""
    sheet.row += 1
    sheet.heading("By gap and currency")
    for gap, currency in sorted({(row["gap"], row["currency"]) for row in rows}, key=_gap_order):
        of_both = [row for row in rows if (row["gap"], row["currency"]) == (gap, currency)]
        total: Row = {"gap": gap, "class": "all", "currency": currency}
        for name in (name for name in fields if any(row.get(name) for row in of_both)):
            value = sum((_value(row.get(name)) for row in of_both), ZERO)
            total[name] = Formula(_sumifs(area, name, gap=gap, currency=currency), value)
        sheet.line_of(columns, total, bold=True)


def _gap_order(key: tuple[str, str]) -> tuple[int, str]:
    return list(GAP_SIDES).index(key[0]), key[1]


def _value(cell: Formula | Decimal | None) -> Decimal:
    found = cell.value if isinstance(cell, Formula) else cell
    return Decimal(found or 0)


def _sumifs(area: Area, amount: str, **equal: str) -> str:
    """Formula: the sum of a column over the rows whose other columns are these."""
    return f"=ROUND({_of_sumifs(area, amount, **equal)},2)"


def _of_sumifs(area: Area, amount: str, **equal: str) -> str:
    """Part of a formula: that sum."""
    conditions = "".join(f",{area.range(name)},{formula_text(value)}" for name, value in equal.items())
    return f"SUMIFS({area.range(amount)}{conditions})"


def _countifs(area: Area, *others: tuple[str, str], **equal: str) -> str:
    """Part of a formula: how many rows are like this; `others` are columns with their criteria as written."""
    criteria = [*others, *((name, formula_text(value)) for name, value in equal.items())]
    return f"COUNTIFS({','.join(f'{area.range(name)},{written}' for name, written in criteria)})"


# --- Roll-forward


FLOWS = (
    Column("opening_amount", "Opening", 15, "amount"), Column("new_amount", "+ new", 14, "amount"),
    Column("cleared_amount", "− cleared", 14, "amount"),
    Column("reclassified_amount", "± reclassified", 14, "amount"),
    Column("closing_amount", "Closing", 15, "amount"),
)  # fmt: skip


def _rolled(row: Row) -> Decimal:
    opened: Decimal = row["opening_amount"] + row["new_amount"]
    return opened - row["cleared_amount"] + Decimal(row["reclassified_amount"])


def _rollforward(sheet: Sheet, month: Month, at_end: Area) -> Area:
    columns = (
        Column("gap", "Gap", 6), Column("class", "Class", 27), Column("currency", "Currency", 9), *FLOWS,
        Column("closing_items", "Items at the end", 9, "count"), Column("off", "Off by", 10, "amount"),
        Column("listed", "These items", 15, "amount"),
    )  # fmt: skip
    sheet.widths([column.width for column in columns])
    sheet.title(
        "Roll-forward",
        "Opening + new − cleared ± reclassified = closing, from the first day of the period to its last, or"
        " to the business date.",
        "By the days of the documents: a late one restates its own day.",
    )
    first = sheet.row + 2
    rows = [
        row | _rolls(row, number) | {"listed": _items_of(at_end, row)}
        for number, row in enumerate(month.rollforward, start=first)
    ]
    area = sheet.table(columns, rows, is_main=True, frozen=3, empty="Nothing was open in this period.")
    sheet.flag(area, "off")
    if rows:
        _gap_totals(sheet, columns, area, rows, [column.field for column in FLOWS])
    return area


def _rolls(row: Row, number: int) -> Row:
    left = _rolled(row) - row["closing_amount"]
    return {"off": Formula(f"=ROUND(D{number}+E{number}-F{number}+G{number}-H{number},2)", left)}


def _items_of(at_end: Area, row: Row) -> Formula:
    """What the items come to that a line closes with."""
    names = {name: row[name] for name in ("gap", "class", "currency")}
    return Formula(_sumifs(at_end, "amount", **names), row["listed"])


def _open_at_the_end(sheet: Sheet, month: Month) -> Area:
    columns = (
        Column("entity", "Entity", 13), Column("gap", "Gap", 5), Column("class", "Class", 27),
        Column("currency", "Currency", 9), Column("amount", "Amount", 14, "amount"),
        Column("open_since", "Open since", 11, "date"),
        Column("changed_on", "Cleared or changed", 11, "date"), Column("group_key", "Group", 22),
        Column("order_no", "Order", 16), Column("rma_no", "RMA", 17),
        Column("refund_id", "Refund", 17), Column("memo_no", "Memo", 17),
        Column("documents", "Documents", 12),
    )  # fmt: skip
    sheet.widths([column.width for column in columns])
    sheet.title(
        "Open at the end",
        "What the roll-forward closes with, item by item, also where it was cleared since.",
        "Add up one currency at a time, and either the gaps E-M, M-P, P-G or one of the others.",
    )
    query = f"select * from finance.refund_period_items where period = '{month.period}'"
    found = month.stream(reader.PERIOD_ITEMS) if month.has_items else iter(())
    rows = _at_most(found, ROWS_MOST - LIST_HEAD, "entity", query)
    linked = (
        row | ({"documents": Link("Documents", place[0], "documents")} if place else {})
        for row in rows
        for place in [month.documents_of.get(row.get("group_key", ""))]
    )
    area = sheet.table(columns, linked, is_main=True, frozen=5, empty="Nothing was open at the end.")
    sheet.prints(len(columns) - 1)
    return area


def _rollforward_by_day(sheet: Sheet, month: Month) -> Area:
    columns = (
        Column("day", "Day", 11, "date"), Column("gap", "Gap", 6), Column("class", "Class", 27),
        Column("currency", "Currency", 9), *FLOWS, Column("closing_items", "Items", 8, "count"),
    )  # fmt: skip
    sheet.widths([column.width for column in columns])
    sheet.title(
        "Roll-forward by day",
        "Days on which a class has nothing are left out. For the screen: it is not printed.",
    )
    area = sheet.table(
        columns, month.stream(reader.ROLLFORWARD_DAYS), is_main=True, frozen=4,
        empty="Nothing was open in this period.",
    )  # fmt: skip
    sheet.prints(len(columns), 2)
    return area


# --- Restatements, documents, terms


def _as_reported(sheet: Sheet, month: Month) -> None:
    columns = (
        Column("entity", "Entity", 16), Column("currency", "Currency", 9), Column("label", "Line", 58),
        Column("line", "Kind", 10), Column("own_amount", "Of the period", 15, "amount"),
        Column("earlier_amount", "Late rows of earlier periods", 15, "amount"),
        Column("amount", "As reported", 15, "amount"),
        Column("restated_amount", "Of the period, as restated", 15, "amount"),
        Column("difference", "Difference", 13, "amount"),
    )  # fmt: skip
    sheet.widths([column.width for column in columns])
    sheet.title("As reported", "The proof as it was frozen at the close; Difference: restated less reported.")
    empty = "" if is_closed(month.connection, month.period) else OPEN_STILL
    rows = as_reported(month.connection, month.period)
    sheet.table(columns, rows, is_main=True, frozen=3, empty=empty or "Nothing was reported.")


OPEN_STILL = "The period is open: nothing of it has been reported yet, so nothing can be restated."
RESTATED_COLUMNS = (
    Column("original_period", "Period", 9), Column("subject", "Of", 10), Column("part", "Leg or gap", 8),
    Column("class", "Class", 24), Column("kind", "Kind", 12), Column("entity", "Entity", 12),
    Column("currency", "Currency", 9), Column("reported_amount", "As reported", 14, "amount"),
    Column("restated_amount", "As restated", 14, "amount"), Column("difference", "Difference", 14, "amount"),
    Column("document_type", "Document", 13), Column("document_no", "Number", 18),
    Column("component", "Component", 15), Column("group_key", "Group", 25),
    Column("posted_periods", "Posted in", 12), Column("publication_id", "Publication", 11),
    Column("file_name", "File", 36), Column("line_no", "Line", 9, "count"),
)  # fmt: skip


def _restatements(sheet: Sheet, month: Month) -> None:
    sheet.widths([column.width for column in RESTATED_COLUMNS])
    sheet.title(
        "Restatements",
        "Of this period since its close, and of closed ones whose late rows it took.",
        "Legs are restated by documents, gaps by gaps: never add up both.",
    )
    query = f"select * from finance.restatements where original_period = '{month.period}'"
    found = restatements(month.connection, month.period)
    rows = list(_at_most(found, ROWS_MOST // 2, "original_period", query))
    empty = "Nothing is restated." if is_closed(month.connection, month.period) else OPEN_STILL
    area = sheet.table(RESTATED_COLUMNS, rows, is_main=True, frozen=3, empty=empty)
    if rows:
        _restated_totals(sheet, area, rows)


def _restated_totals(sheet: Sheet, area: Area, rows: list[Row]) -> None:
    sheet.row += 1
    sheet.heading("By period, leg or gap, and currency")
    keys = ("original_period", "subject", "part", "currency")
    sums: dict[tuple[str, ...], Row] = defaultdict(lambda: dict.fromkeys(RESTATED_AMOUNTS, ZERO))
    for row in (row for row in rows if "part" in row):
        entry = sums[tuple(row[key] for key in keys)]
        for name in RESTATED_AMOUNTS:
            entry[name] += row[name] or ZERO
    for key, values in sums.items():
        equal = dict(zip(keys, key, strict=True))
        total = {n: Formula(_sumifs(area, n, **equal), value) for n, value in values.items()}
        sheet.line_of(RESTATED_COLUMNS, {**equal, **total}, bold=True)


RESTATED_AMOUNTS = ("reported_amount", "restated_amount", "difference")


DOCUMENT_COLUMNS = (
    Column("period", "Period", 9), Column("leg", "Leg", 5), Column("entity", "Entity", 14),
    Column("document_type", "Kind", 14), Column("document_no", "Document", 19),
    Column("component", "Component", 17), Column("effective_on", "Day", 11, "date"),
    Column("currency", "Currency", 9), Column("amount", "Amount", 14, "amount"),
    Column("group_currency", "Currency of the group", 10),
    Column("group_amount", "Amount there", 14, "amount", "group_currency"),
    Column("rate_on", "Rate of", 11, "date"), Column("rate", "Rate", 10, "rate"),
    Column("group_key", "Group", 25),
    Column("return_line_key", "Return line", 25), Column("feed", "Feed", 25), Column("file", "File", 42),
    Column("line_no", "Line", 9, "count"),
)  # fmt: skip


def _documents(sheet: Sheet, month: Month) -> Area | None:
    """The list; None where it does not hold all of them, so nothing may add it up."""
    sheet.widths([column.width for column in DOCUMENT_COLUMNS])
    left_out = month.documents - month.documents_listed
    what = (
        "Every row of a feed that a leg of the period is made of, and the rows of other periods of each group"
        " that is listed as an exception."
    )
    sheet.title("Documents", what, _counted(month, left_out))
    rows = _placed(month.stream(reader.DOCUMENTS, month.documents_listed), sheet.row + 1, month)
    area = sheet.table(DOCUMENT_COLUMNS, rows, is_main=True, frozen=5, empty="No document in this period.")
    return None if left_out else area


def _placed(rows: Iterator[Row], first: int, month: Month) -> Iterator[Row]:
    """The rows with their rates; where each group begins and ends is kept for what leads to it."""
    for number, row in enumerate(rows, start=first):
        begins, _ = month.documents_of.get(row["group_key"], (number, number))
        month.documents_of[row["group_key"]] = begins, number
        yield row | {"rate": row["group_amount"] / row["amount"] if row["amount"] else Decimal(1)}


def _counted(month: Month, left_out: int) -> str:
    if not left_out:
        return f"{month.documents:,} rows: all there are."
    return (
        f"{month.documents_listed:,} of {month.documents:,} rows; {left_out:,} are LEFT OUT, a sheet holds no"
        f" more. All of them: select * from finance.refund_documents where period = '{month.period}'"
    )


def _terms(sheet: Sheet, month: Month) -> None:
    sheet.widths([28, 34, 90])
    sheet.title("Terms")
    sheet.heading("Legs: what each system says of a refund, towards the customer positive")
    for leg, what in LEG_MEANINGS.items():
        sheet.line(leg, LEG_NAMES[leg], what)
    sheet.row += 1
    sheet.heading("Gaps: one leg less another; the chain leads from the entitlement to the ledger")
    for row in month.read(reader.GAPS):
        sheet.line(row["gap"], row["label"], "of the chain" if row["is_chain"] else "beside the chain")
    sheet.row += 1
    sheet.heading("Classes: every cent of a gap is in one, in this order")
    for row in month.read(reader.CLASSES):
        sheet.line(row["class"], row["label"], CLASS_NOTES.get(row["class"], ""))
    sheet.row += 1
    sheet.heading("Patterns: which of the legs E, M, P, G a group has")
    for row in month.read(reader.PATTERNS):
        sheet.line(row["pattern"], row["pattern_name"], row["meaning"])
    sheet.line("-", NOT_CARRIED, "The company has no feed of the leg: it has no amount, and no gap with it")
    sheet.row += 1
    sheet.heading("Other words")
    for word, what in WORDS.items():
        sheet.line(word, what)


LEG_MEANINGS = {
    "E": "What accepted or returnless units entitle to, under the policy in force at the sale",
    "M": "Credit memos, reversals netted",
    "P": "Cash that the processor moved, failures netted, chargebacks included",
    "G": "Refunds paid as the ledger shows them: debits of the refund liability",
    "T": "Refunds that customer service issued, failed and canceled ones left out",
    "GM": "Credit memos as the ledger shows them: credits of the refund liability",
}
CLASS_NOTES = {
    "CUTOFF": "Over all periods it adds up to what is still waited for: the legs of a group fell into"
    " different periods, or the other leg is expected within days",
    "ROUNDING": "A component that is off by at most two cents",
    "PAYMENT_AMOUNT": "The processor moved less than customer service issued, refund by refund",
    "OVERPAYMENT": "The processor moved more than customer service issued, refund by refund",
    "ISSUED_AMOUNT": "Customer service issued another amount than was credited",
    "ADJUSTMENT": "A component of a memo that no policy gives, and no return asks for",
    "MISSING_LEG": "The document on the other side has not come within days; open since says since when",
    "UNEXPLAINED": "Nobody knows; shown as it is, never spread over the other classes",
}
WORDS = {
    "Group": "Documents of one refund or return, joined by numbers that they name",
    "Entity": "Site that sold; UNATTRIBUTED where no sale is known",
    "Period": "Fiscal period YYYY-PP; a class stands in that of the last document on either side of its gap",
    "Status": "open: someone must act; waiting: expected within days; explained: nothing to do; settled:"
    " store credit that was spent; cleared",
    "Age": "Days since the first leg stood without the other",
    "New, cleared": "Away from zero is new, towards zero is cleared; owed and overpaid each by themselves",
    "Open": "What of the amount is open: not what is explained, nor store credit that was posted or spent",
    "Gross exposure": GROSS.removeprefix("Gross: "),
    "Reclassified": "Moved from one class of a gap to another on the same day; over a gap it adds up to 0",
    "Amount in the source": "In the document's own currency; a group has that of its sale, at the day's rate",
}
