"""A layout drafted from a file: dialect, formats and likely columns; what is not certain is a question."""

from __future__ import annotations

import csv
import difflib
import functools
import io
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
from lxml import etree

from revlog.contracts.contract import Column, Contract
from revlog.contracts.layout import Layout
from revlog.contracts.numbers import PRECISIONS
from revlog.ingestion.chunk import Scan, Source
from revlog.ingestion.preview import LocalFile
from revlog.ingestion.readers import reader
from revlog.values import times
from revlog.values.currencies import CODES
from revlog.values.datepatterns import EPOCHS, tells_instant
from revlog.values.text import as_array

HEAD = 256 << 10
SAMPLE = 500
DISTINCT = 60
ENOUGH = 0.72  # likeness of names, as difflib measures it
DELIMITERS = ",;\t|"
ZONE = re.compile(r"[A-Z][A-Za-z]+/[A-Za-z_/-]+|UTC|GMT")
RULE = re.compile(r"-+(?: +-+)+")
LIST_LINE = re.compile(r"\|[^|]*\|.*\|\s*$")
NUMBER_TYPES = ("integer", *PRECISIONS)
# Formats that real exports have; of those that fit the first is taken, and the others are a question.
DATE_FORMATS = (
    "%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%-m/%-d/%Y", "%-d/%-m/%Y", "%-d.%-m.%Y", "%Y%m%d",
    "%Y/%m/%d", "%m/%d/%y", "%d/%m/%y", "%d-%b-%Y", "%d-%b-%y", "%-d %b %Y", "%b %-d, %Y", "%-d. %B %Y",
    "%B %-d, %Y", "%d-%m-%Y", "%b-%d-%y", "%b-%d-%Y",
)  # fmt: skip
CLOCKS = ("%H:%M:%S", "%H:%M", "%I:%M %p", "%-I:%M %p", "%I:%M:%S %p", "%-I:%M:%S %p", "%H:%M:%S.%f")
TIME_FORMATS = (
    "iso_offset",
    *(f"{day}{gap}{clock}{end}" for day in DATE_FORMATS for gap in (" ", "T", ", ") for clock in CLOCKS
      for end in ("", " %z", "%z", " %Z")),
    *DATE_FORMATS, "epoch", "epoch_ms",
)  # fmt: skip
# What other systems call the columns, plain.
NAMES = {
    "case_id": "ticketid ticket casenumber",
    "opened_at": "createdat created",
    "fiscal_period": "yearmonth period",
    "document_ref": "reference ref num documentref",
    "text": "text memo memodescription description",
    "account": "account glaccount accountno accountnumber accountname",
    "posted_on": "pstngdate postingdate docdate documentdate date glpostingdate",
    "journal_no": "documentno documentnumber docno journal journalno journalid transno entryno",
    "order_no": "order ordernumber orderid ordername name merchantreference amazonorderid salesorder "
        "salesdoc salesdocument sddoc orderid transactionnumber bestellnummer auftragsnummer",
    "order_line_no": "lineitemid orderline orderitemid itemid",
    "line_no": "lineitemid line item lineno orderitemid itemid position itm",
    "sku": "sku itemsku lineitemsku sellersku productsku article articlenumber stockcode "
        "material variantsku item materialno skucode customlabel artikelnummer",
    "quantity": "quantity qty units lineitemquantity itemquantity menge "
        "quantitypurchased orderquantity orderqty quantityshipped itemqty",
    "quantity_authorized": "quantity qty units",
    "unit_price": "price unitprice lineitemprice itemprice soldfor preis",
    "net_amount": "net nettotal linetotal itemtotal subtotal netamount netvalue netprice",
    "gross_amount": "gross grossamount amount grosstransactionamount",
    "fee_amount": "fee fees feeamount commission",
    "tax_amount": "tax taxes totaltax itemtotaltax",
    "shipping_amount": "shipping shippingtotal",
    "discount_amount": "discount lineitemdiscount discountamount",
    "amount": "amount total refundtotal sum chargeamount totalrefunded "
        "amountinlocalcur amountinlocalcurrency amountinlc",
    "currency": "currency currencycode ordercurrency grosscurrency waehrung lcurr "
        "curr crcy localcurrency cur",
    "ordered_at": "createdat orderdate datecreated created purchasedate docdate saledate date",
    "created_at": "createdat created datecreated creationdate",
    "requested_at": "createdat created returncreatedat requestdate",
    "authorized_at": "createdat created returncreatedat",
    "updated_at": "updatedat updated returnupdatedat lastupdated datemodified",
    "shipped_at": "fulfilledat shippedat shipmentdate shipdate shippedondate",
    "received_at": "receivedat receiptdate returndate received entrydate pstngdate "
        "postingdate retourendatum receiptdate",
    "booked_at": "created bookingdate posteddate posteddatetime creationdate "
        "transactioncompletiondate date capturedate",
    "customer_id": "customer customerid customeremail email billingemail buyer "
        "soldtopt soldtoparty customerno",
    "rma_no": "rma returnid returnnumber rmanumber return",
    "request_id": "returnid requestid returnnumber",
    "refund_id": "refundid refund refundmetadatashopifyrefundid modificationreference",
    "receipt_id": "receiptid receipt licenseplatenumber lpn matdoc materialdoc "
        "materialdocument receiptno receiptnumber",
    "settlement_id": "balancetransactionid transactionid settlementid pspreference id transactionid",
    "batch_no": "automaticpayoutid batchnumber batch payoutid "
        "settlementid settlementreference paymentreference",
    "tracking_no": "trackingnumber tracking trackingid expressorgroundtrackingid",
    "reason_code": "reason returnreason parentreturnreason",
    "status": "status state returnstate",
    "type": "type transactiontype reportingcategory",
    "invoice_no": "invoicenumber invoice",
    "invoiced_on": "invoicedate",
    "site": "facility warehouse fulfillmentcenterid location plnt plant org",
    "desired_resolution": "outcome resolution", "resolution": "outcome resolution",
    "comment": "customercomment customercomments comment",
}  # fmt: skip
_OTHERS = {name.replace("_", "") for name in NAMES} | {n for names in NAMES.values() for n in names.split()}


@dataclass
class Sniffed:
    """What the file is: keys of the layout, a sample of its columns, and what can't be told."""

    keys: dict[str, Any]
    columns: dict[str, list[str]] = field(default_factory=dict)
    questions: list[str] = field(default_factory=list)


def draft(path: Path, contract: Contract) -> str:
    """YAML of a layout that reads the file for a feed, with questions as comments.

    Raises FileRejected where the file can't be read.
    """
    file = LocalFile(path, "draft")
    with file.open() as content:
        head = content.read(HEAD)
    found = _sniffed(path.name, head)
    if not found.columns:
        found.columns = _sample(file, contract, found)
    return _written(path, contract, found)


# -- what the file is


def _sniffed(name: str, head: bytes) -> Sniffed:
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if head.startswith(b"PAR1"):
        return Sniffed({"format": "parquet"})
    if head.startswith(b"PK\x03\x04"):
        return Sniffed(
            {"format": "xlsx"}, questions=["is it the only sheet, and does its first row hold the names?"]
        )
    if text.startswith(b"<"):
        return _sniffed_xml(head)
    if text.startswith((b"{", b"[")):
        return _sniffed_json(text)
    return _sniffed_csv(head)


def _sniffed_xml(head: bytes) -> Sniffed:
    parser = etree.XMLPullParser(events=("end",), resolve_entities=False, no_network=True, load_dtd=False)
    parser.feed(head)
    tags: Counter[str] = Counter()
    fields: dict[str, dict[str, list[str]]] = {}
    for _, element in parser.read_events():
        tag = etree.QName(element).localname
        if len(element) and element.getparent() is not None:
            tags[tag] += 1
            for child in element:
                if not len(child):
                    own = fields.setdefault(tag, {})
                    own.setdefault(etree.QName(child).localname, []).append((child.text or "").strip())
    record = max(tags, key=lambda t: (tags[t], len(fields.get(t, {}))), default="?")
    columns = {name: values[:SAMPLE] for name, values in fields.get(record, {}).items()}
    return Sniffed(
        {"format": "xml", "record": record},
        columns,
        [f"is each <{record}> one row? `..` leads to what is around it"],
    )


def _sniffed_json(text: bytes) -> Sniffed:
    lines = text.split(b"\n")
    if len(lines) > 1 and _is_json(lines[0]):
        rows = [json.loads(line) for line in lines[:SAMPLE] if _is_json(line)]
        found = Sniffed({"format": "jsonl"})
    else:
        way, rows = _first_array(text)
        found = Sniffed({"format": "json"} | ({"record": "/".join(way)} if way else {}))
    values: dict[str, list[str]] = {}
    for row in rows:
        for path, value in _paths(row, ""):
            values.setdefault(path, []).append(value)
        for name, value in row.items() if isinstance(row, dict) else ():
            if isinstance(value, list) and value and isinstance(value[0], dict):
                question = f"{name} holds several objects: is each of them a row? Then add it to `record`"
                if question not in found.questions:
                    found.questions.append(question)
    found.columns = values
    return found


def _is_json(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:]')


def _first_array(text: bytes) -> tuple[list[str], list[Any]]:
    """The way to the first array of objects, and those that are whole; `text` may break off."""
    document = text.decode("utf-8", errors="replace")
    around: list[str | None] = []
    last = key = None
    for token in _TOKEN.finditer(document):
        mark = token[0]
        if mark == "[" and document[token.end() :].lstrip().startswith("{"):
            return [name for name in [*around, key] if name], _objects(document, token.end())
        if mark == ":":
            key = last
        elif mark in "{[":
            around.append(key)
            key = None
        elif mark in "}]" and around:
            around.pop()
        else:
            last = mark[1:-1]
    return [], _objects(document, 0)


def _objects(document: str, at: int) -> list[Any]:
    decoder = json.JSONDecoder()
    found: list[Any] = []
    while len(found) < SAMPLE:
        at += len(document[at : at + 1000]) - len(document[at : at + 1000].lstrip(" \t\r\n,"))
        try:
            value, at = decoder.raw_decode(document, at)
        except ValueError:
            break
        found.append(value)
    return found


def _paths(value: Any, prefix: str) -> Iterator[tuple[str, str]]:
    for name, inner in value.items() if isinstance(value, dict) else ():
        if isinstance(inner, dict):
            yield from _paths(inner, f"{prefix}{name}/")
        elif not isinstance(inner, list):
            yield (
                f"{prefix}{name}",
                "" if inner is None else str(inner).lower() if isinstance(inner, bool) else str(inner),
            )


def _sniffed_csv(head: bytes) -> Sniffed:
    found = Sniffed({"format": "csv"})
    encoding = _encoding(head)
    if encoding == "utf-16":
        found.keys["encoding"] = encoding
    elif encoding != "utf-8":
        found.keys["encoding"] = encoding
        found.questions.append(f"it is no UTF-8: is it {encoding}, or another code page?")
    lines = head.decode(encoding, errors="replace").lstrip("\ufeff").splitlines()[:SAMPLE]
    if sum(bool(LIST_LINE.match(line)) for line in lines) > 1:
        return _sniffed_list(found, lines)
    if ruled := _ruled(lines):
        return replace(ruled, keys=ruled.keys | {k: v for k, v in found.keys.items() if k == "encoding"})
    best = max(DELIMITERS, key=lambda d: _agreement(lines, d))
    if best != ",":
        found.keys["delimiter"] = best
    rows = list(csv.reader(io.StringIO("\n".join(lines), newline=""), delimiter=best))
    widths = Counter(len(row) for row in rows if len(row) > 1) or Counter([1])
    width = widths.most_common(1)[0][0]
    first = next((i for i, row in enumerate(rows) if len(row) == width and _is_header(row)), -1)
    if first < 0:
        found.keys["names"] = [f"c{number}" for number in range(1, width + 1)]
        found.questions.append(
            "no line looks like a header: `names` are its columns in their order; name them"
        )
    elif first:
        found.keys["header_row"] = first + 1
        found.questions.append(
            f"{first} lines stand above the names: are they titles? Rows of other types belong to `skip`"
        )
    if any(re.match(rf"{best}+\*", line) for line in lines):
        found.keys["skip"] = [f"^{best}+\\*"]
        found.questions.append("lines that begin with * are taken for totals and left out: are they?")
    if odd := sorted({row[0] for row in rows[first + 1 :] if row and len(row) != width})[:3]:
        found.questions.append(
            f"some lines have other fields (they begin {', '.join(odd)}): totals? Name them in `skip`"
        )
    return found


def _ruled(lines: list[str]) -> Sniffed | None:
    """A report of fixed width as databases print it: names, and below them a rule that shows the columns."""
    at = next((i for i, line in enumerate(lines) if i and RULE.fullmatch(line.rstrip())), None)
    if at is None:
        return None
    spans = [match.span() for match in re.finditer("-+", lines[at])]
    names = [lines[at - 1][first:end].strip() or f"c{n}" for n, (first, end) in enumerate(spans, start=1)]
    widths = {name: [first + 1, end - first] for name, (first, end) in zip(names, spans, strict=True)}
    header = "^" + re.escape(lines[at - 1][:20].rstrip()).replace(r"\ ", " ")
    rest = [line for line in lines[at + 1 :] if line.strip() and len(line.rstrip()) < spans[-1][0]]
    found = Sniffed({"format": "fixed_width", "skip": ["^ *$", header, "^-+( |$)"], "widths": widths})
    if rest:
        found.questions.append(f"short lines such as {rest[-1].strip()!r}: no rows? Then name them in `skip`")
    return found


def _sniffed_list(found: Sniffed, lines: list[str]) -> Sniffed:
    """A list as SAP prints it: a line a row within upright strokes, with titles and rules on each page."""
    found.keys |= {"delimiter": "|", "quote": "", "skip": ["^[^|]", r"^\|[ \t]*\*"]}
    titles = [line.strip() for line in lines if line.strip(" -") and not line.startswith("|")]
    told = "; ".join(repr(title[:60]) for title in dict.fromkeys(titles))
    found.questions.append(
        "it is a list in pages: lines that do not begin with | are left out, and totals, which begin with *. "
        + (f"Is what stands above the list needed ({told})?" if told else "")
    )
    return found


def _encoding(head: bytes) -> str:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    for cut in range(4):  # the last character may be cut
        try:
            head[: len(head) - cut].decode("utf-8")
            return "utf-8"
        except UnicodeDecodeError:
            continue
    return "cp1252"


def _agreement(lines: list[str], delimiter: str) -> tuple[int, int]:
    """How many lines have as many fields as most have, where that is more than one; and how many fields."""
    rows = csv.reader(io.StringIO("\n".join(lines), newline=""), delimiter=delimiter)
    counts = Counter(len(row) for row in rows if len(row) > 1)
    [(width, count)] = counts.most_common(1) or [(0, 0)]
    return count, width


def _is_header(row: list[str]) -> bool:
    named = [name for name in row if name.strip()]
    return bool(named) and not any(re.fullmatch(r"-?[\d.,:/ -]+", name) for name in named)


def _sample(file: LocalFile, contract: Contract, found: Sniffed) -> dict[str, list[str]]:
    layout = Layout.model_validate({"file": "{date}", "extra_columns": "keep"} | found.keys)
    whole = contract.model_copy(update={"layouts": {"draft": layout}})
    source = Source(file.name, file.open, Scan("", file.size, file.head()))
    columns: dict[str, list[str]] = {}
    for chunk in reader(layout.format)(source, whole, "draft"):
        for name in chunk.table.column_names:
            values = as_array(chunk.table[name]).slice(0, SAMPLE).to_pylist()
            columns.setdefault(name, []).extend("" if v is None else v for v in values)
        if chunk.table.num_rows:
            break
    return columns


# -- what its columns are


def _matches(contract: Contract, columns: dict[str, list[str]]) -> dict[str, str]:
    """Likely column of the file for each of the contract's, the likeliest pairs first, none twice for one."""
    scored = sorted(
        (
            (-_likeness(name, column, source, values, name in contract.key), place, name, source)
            for name, column in contract.columns.items()
            for place, (source, values) in enumerate(columns.items())
        ),
    )
    found: dict[str, str] = {}
    for score, _, name, source in scored:
        if -score >= ENOUGH and name not in found and source not in found.values():
            found[name] = source
    return found


def _likeness(name: str, column: Column, source: str, values: list[str], is_key: bool = False) -> float:
    plain, own = _plain(source.rsplit("/", 1)[-1]), _plain(name)
    known = NAMES.get(name, "").split()
    if plain == own or plain == _plain(name.rsplit("_", 1)[0]):
        score = 1.0
    elif plain == "id" and is_key and column.type == "id":
        score = 0.95
    elif plain in known:
        score = 0.98 - 0.01 * known.index(plain)
    elif plain in _OTHERS:  # that of another column is not nearly this one
        score = 0.0
    else:
        score = 0.9 * difflib.SequenceMatcher(None, own, plain).ratio()
    score += 0.02 if column.required else 0
    filled = [v.strip() for v in values if v.strip()]
    if not filled:
        return score - 0.2
    is_zone = not name.endswith("_zone") or all(ZONE.fullmatch(v) for v in filled)
    return score if is_zone and _fits(column, filled) else score - 0.5


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _fits(column: Column, values: list[str]) -> bool:
    if column.type in NUMBER_TYPES:
        return all(re.fullmatch(r"[^\d]{0,4}[\d.,' ]+[^\d]{0,4}", v) for v in values)
    if column.type in ("date", "timestamp"):
        return bool(_formats(tuple(values), column.type))
    if column.type == "currency":
        return all(v.upper() in CODES for v in values)
    if column.type == "boolean":
        return len(set(values)) <= 2
    return True


@functools.lru_cache(maxsize=4096)
def _formats(values: tuple[str, ...], kind: str) -> tuple[str, ...]:
    """Formats, at most two, in which every value is a date or time that can be meant."""
    distinct = list(dict.fromkeys(values))[:DISTINCT]
    if not distinct or not any(c.isdigit() for c in distinct[0]) or len(distinct[0]) > 40:
        return ()
    array = pa.array(distinct, pa.string())
    found: list[str] = []
    for form in DATE_FORMATS + TIME_FORMATS if kind == "date" else TIME_FORMATS:
        # One value first, by an expression that is compiled once: most formats are out then.
        if not _shape(form).match(distinct[0]):
            continue
        micros, valid = times.parse(array, form)
        if valid.all() and not times.range_fault(micros, valid).any():
            # Padded numbers fit the unpadded format, too.
            if not (found and form.replace("%-", "%") == found[0]):
                found.append(form)
            if len(found) == 2 or form == "iso_offset":  # which no other can be taken for
                break
    return tuple(found)


@functools.cache
def _shape(form: str) -> re.Pattern[str]:
    """What a text in a format looks like, roughly."""
    if form == "iso_offset":
        return re.compile(r"\d{4}-\d\d-\d\dT")
    if form in EPOCHS:
        return re.compile(r"\d+(\.\d+)?\Z")
    parts = re.findall(r"%-?.|[^%]+", form)
    return re.compile("".join(r"[\w.:+-]+?" if p[0] == "%" else re.escape(p) for p in parts) + r"\Z")


# -- the layout


def _written(path: Path, contract: Contract, found: Sniffed) -> str:
    matches = _matches(contract, found.columns)
    pattern, dated = _pattern(path.name)
    questions = list(found.questions)
    if not dated:
        questions.append(
            "no day in the name: is that of its last change right, or one in a column (`file_date`)?"
        )
    keys = [f"file: {_quoted(pattern)}", *([] if dated else ["file_date: {modified: UTC}"])]
    keys += [f"{key}: {_quoted(value)}" for key, value in found.keys.items()]
    questions += _words(contract, found, matches)
    keys += _numbers(contract, found, matches, questions)
    keys += _times(contract, found, matches, questions)
    keys += _booleans(contract, found, matches)
    head = [
        f"# Drafted from {path.name} for {contract.feed}: {contract.grain}.",
        *(f"# QUESTION: {question}" for question in questions),
    ]
    lines = [*head, "layouts:", "  own:", *(f"    {key}" for key in keys)]
    lines += _columns(contract, found, matches)
    lines.append("    extra_columns: ignore")
    unused = [name for name in found.columns if name not in matches.values()]
    lines += [f"# not used: {_quoted(name)}{_example(found.columns[name])}" for name in unused]
    return "\n".join(lines)


def _columns(contract: Contract, found: Sniffed, matches: dict[str, str]) -> list[str]:
    is_path = found.keys["format"] in ("xml", "json", "jsonl")
    lines = ["    fields:" if is_path else "    columns:"]
    for name, column in contract.columns.items():
        if name in matches:
            lines.append(f"      {name}: {_quoted(matches[name])}{_example(found.columns[matches[name]])}")
        else:
            mark = "QUESTION, required: " if column.required else ""
            lines.append(f"      # {name}: ?  {mark}{column.description}")
    if not matches:
        lines[0] += " {}"
    return lines


def _numbers(contract: Contract, found: Sniffed, matches: dict[str, str], questions: list[str]) -> list[str]:
    values = [
        v for name, source in matches.items() if contract.columns[name].type in NUMBER_TYPES
        for v in found.columns[source] if v
    ]  # fmt: skip
    keys: list[str] = []
    signs = sorted({sign for v in values for sign in re.findall(r"[$€£¥]", v)})
    if signs:
        keys.append(f"symbols: {json.dumps(signs, ensure_ascii=False)}")
    plain = [re.sub(r"[^\d.,]", "", v) for v in values]
    if any(re.search(r",\d{1,2}$", v) for v in plain) and not any(re.search(r"\.\d{1,2}$", v) for v in plain):
        keys.append('decimal: ","')
        if any("." in v for v in plain):
            keys.append('thousands: "."')
    elif any(re.search(r"\d,\d{3}", v) for v in plain):
        keys.append('thousands: ","')
    if any(v.startswith("(") for v in values):
        keys.append("negatives: [minus, parentheses]")
    elif any(re.search(r"\d-$", v) for v in values):
        keys.append("negatives: [trailing_minus]")
    money = [n for n in matches if contract.columns[n].type in ("money", "price")]
    if money and plain and not any(re.search(r"[.,]", v) for v in plain):
        questions.append(
            f"{', '.join(money)}: no decimals anywhere: minor units? Then minor(…, currency) in a `select`"
        )
    return keys


def _times(contract: Contract, found: Sniffed, matches: dict[str, str], questions: list[str]) -> list[str]:
    keys: list[str] = []
    own: dict[str, str] = {}
    for kind in ("date", "timestamp"):
        forms = {
            name: _formats(tuple(v.strip() for v in found.columns[source] if v.strip()), kind)
            for name, source in matches.items() if contract.columns[name].type == kind
        }  # fmt: skip
        known = {name: fits for name, fits in forms.items() if fits and any(found.columns[matches[name]])}
        if not known:
            continue
        common = Counter(fits[0] for fits in known.values()).most_common(1)[0][0]
        zone = ""
        if kind == "timestamp" and not tells_instant(common):
            zone = ", zone: UTC"
            questions.append("times are local: in which zone? UTC stands there until you say")
        keys.append(f"{kind}: {{format: {_quoted(common)}{zone}}}")
        own |= {name: fits[0] for name, fits in known.items() if fits[0] != common}
        for name, fits in known.items():
            if len(fits) > 1:
                questions.append(f"{name} fits {fits[0]} and {fits[1]}: which?")
    if own:
        keys.append("formats:")
        keys += [f"  {name}: {_quoted(form)}" for name, form in own.items()]
    return keys


def _booleans(contract: Contract, found: Sniffed, matches: dict[str, str]) -> list[str]:
    words = {
        v.strip() for name, source in matches.items() if contract.columns[name].type == "boolean"
        for v in found.columns[source]
    }  # fmt: skip
    if not words or words <= {"true", "false"}:
        return []
    truths = {word: word.lower() in ("true", "yes", "y", "1", "x", "ja", "wahr") for word in sorted(words)}
    return [f"booleans: {{{', '.join(f'{_quoted(w)}: {str(t).lower()}' for w, t in truths.items())}}}"]


def _words(contract: Contract, found: Sniffed, matches: dict[str, str]) -> Iterator[str]:
    """Words that the contract does not take."""
    for name, source in matches.items():
        known = contract.columns[name].values
        words = sorted({v.strip() for v in found.columns[source] if v.strip()} - {*(known or ())})
        if known and words:
            yield (
                f"{name} has {', '.join(words[:8])}, the contract takes {', '.join(known)}: say in "
                "`value_maps` which is which"
            )


def _pattern(name: str) -> tuple[str, bool]:
    """The file's name with its day as a place, and whether it tells one."""
    bare = re.sub(r"\.(gz|zip)$", "", name, flags=re.IGNORECASE)
    for expression, place in (
        (r"\d{4}-\d{2}-\d{2}(?!.*\d{4}-\d{2}-\d{2})", "{date:%Y-%m-%d}"),
        (r"(?<!\d)20\d{6}(?!\d)", "{date}"),
        (r"(?<![A-Za-z])[A-Z][a-z]{2}-\d{2}-20\d{2}(?!\d)", "{date:%b-%d-%Y}"),
    ):
        if re.search(expression, bare):
            return re.sub(r"\d{4}-\d{2}-\d{2}", "*", re.sub(expression, place, bare, count=1)), True
    return re.sub(r"\d+", "*", bare), False


def _example(values: list[str]) -> str:
    seen = next((v for v in values if v.strip()), "")
    return f"  # {seen[:40]!r}" if seen else "  # empty"


def _quoted(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if not isinstance(value, int) else str(value)
