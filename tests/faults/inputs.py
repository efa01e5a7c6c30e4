"""The inputs that may come: titles of the cases, in the order of the page."""

from __future__ import annotations

SOUND = "sound files"
TRUNCATED = "truncated inside a row, unclosed quote, broken JSON/XML/XLSX/Parquet"
BOUNDARY = "truncated on a row boundary"
UPLOAD = "upload in progress"
NOT_A_FILE = "wrong delimiter, an HTML error page, undeclared encoding, 0 bytes"
SAME = "UTF-8 BOM, CR or CRLF, newline inside quotes, reordered columns"
MOJIBAKE = "mojibake"
HEADER_ONLY = "header only"
EXTRA = "extra column"
COLUMNS = "required column missing, renamed without an alias, or twice"
ROWS = "ragged row, NUL byte, field over its limit"
TOTALS = "TOTAL row, footer, trailer"
REPEATED = "exact duplicate row"
CONFLICT = "one key twice with different values in one file"
AGAIN = "same content again, under any name"
CORRECTED = "same name, corrected content"
LATE = "late file, files out of order"
DATES = "impossible or ambiguous date, out-of-range date"
DST = "local time in the DST gap or overlap"
SPELLING = "decimal comma, thousands mark, `100.20-`, `(100.20)`, `100.20 CR`"
IDS = '`1.23E+12` as an id, id beyond 2^53, leading zeros, "NA", "null" as a value'
NUMBERS = "NaN, Infinity, overflow, more decimals than the currency has"
TYPED = "values that come typed: cells of a workbook, columns of Parquet"
CURRENCY = "unknown currency, or another than the order's"
NEGATIVE = "negative amount or quantity"
FORMULA = "`=cmd()`, `+`, `-`, `@` at the start of text"
JSON = "JSON with a key twice, NaN, 1e400"
DTD = "XML with a DTD, entity bomb, external entity"
ARCHIVE = "archive bomb, `../` or absolute names, links inside archives"
INERT = "quotes, semicolons, SQL, shell or Jinja in a file name, header or value"

ORDER = [
    SOUND, TRUNCATED, BOUNDARY, UPLOAD, NOT_A_FILE, SAME, MOJIBAKE, HEADER_ONLY, EXTRA, COLUMNS, ROWS,
    TOTALS, REPEATED, CONFLICT, AGAIN, CORRECTED, LATE, DATES, DST, SPELLING, IDS, NUMBERS, TYPED,
    CURRENCY, NEGATIVE, FORMULA, JSON, DTD, ARCHIVE, INERT,
]  # fmt: skip
