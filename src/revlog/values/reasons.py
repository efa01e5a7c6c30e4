"""Why a row is quarantined or a file rejected: two closed lists."""

from __future__ import annotations

from enum import StrEnum

from revlog.outputs.escaping import one_line
from revlog.values.withheld import WITHHELD


class Reason(StrEnum):
    """Why a row went to `ops.quarantine`."""

    RAGGED_ROW = "ragged_row"
    NUL_BYTE = "nul_byte"
    TOO_LONG = "too_long"
    MISSING_VALUE = "missing_value"
    NOT_A_NUMBER = "not_a_number"
    TOO_MANY_DECIMALS = "too_many_decimals"
    NUMBER_OUT_OF_RANGE = "number_out_of_range"
    NEGATIVE_NOT_ALLOWED = "negative_not_allowed"
    ZERO_NOT_ALLOWED = "zero_not_allowed"
    RATE_TO_ITSELF = "rate_to_itself"
    NAMES_ITSELF = "names_itself"
    BAD_DATE = "bad_date"
    DATE_OUT_OF_RANGE = "date_out_of_range"
    BAD_TIMESTAMP = "bad_timestamp"
    AMBIGUOUS_TIME = "ambiguous_time"
    BAD_BOOLEAN = "bad_boolean"
    SCIENTIFIC_ID = "scientific_id"
    DATE_AS_ID = "date_as_id"
    PATTERN_MISMATCH = "pattern_mismatch"
    VALUE_NOT_ALLOWED = "value_not_allowed"
    UNKNOWN_CURRENCY = "unknown_currency"
    CONFLICTING_DUPLICATE = "conflicting_duplicate"
    BAD_JSON = "bad_json"
    DUPLICATE_JSON_KEY = "duplicate_json_key"
    MOJIBAKE = "mojibake"
    REPEATED_ELEMENT = "repeated_element"
    NESTED_VALUE = "nested_value"
    NOBODYS_ROW = "nobodys_row"
    ERROR_CELL = "error_cell"
    MERGED_CELL = "merged_cell"
    SELECT_ERROR = "select_error"


class Rejection(StrEnum):
    """Why a whole file was rejected."""

    EMPTY_FILE = "empty_file"
    NOT_THIS_FORMAT = "not_this_format"
    ENCODING = "encoding"
    NO_SHEET = "no_sheet"
    HEADER = "header"
    UNEXPECTED_COLUMN = "unexpected_column"
    COLUMN_TYPE = "column_type"
    TRUNCATED = "truncated"
    MALFORMED = "malformed"
    CONTROL_TOTAL = "control_total"
    UNSAFE_XML = "unsafe_xml"
    NO_DATE = "no_date"
    SELECT = "select"
    LOOKUP = "lookup"
    UNSAFE_NAME = "unsafe_name"
    UNSAFE_ARCHIVE = "unsafe_archive"
    SAME_NAME = "same_name"
    UNREADABLE = "unreadable"
    INTERNAL_ERROR = "internal_error"


class FileRejected(Exception):
    """A file can't be loaded; nothing of it is.

    `reason` is from the closed list, `detail` says what was found and what to do. What the file itself
    says is `quoted` where `{}` stands: a file with personal data is not quoted.
    The message is one line, whatever the file says.
    """

    def __init__(self, reason: Rejection, detail: str, quoted: str = "") -> None:
        super().__init__(one_line(f"{reason}: {detail.replace('{}', quoted)}"))
        self.reason = reason
        self.detail = detail

    def unquoted(self) -> str:
        """The message without what the file says."""
        return f"{self.reason}: {self.detail.replace('{}', WITHHELD)}"


# What each code means, for people; the data dictionary shows it.
MEANINGS = {
    # rows in quarantine
    "ragged_row": "The row has more or fewer fields than the header.",
    "nul_byte": "The row holds a NUL byte.",
    "too_long": "A text is longer than the contract allows.",
    "missing_value": "A required column is empty.",
    "not_a_number": "A number is not written as the layout says, or is NaN or infinite.",
    "too_many_decimals": "An amount has more decimals than its currency, or a number more than its type.",
    "number_out_of_range": "A number is too large for its type, or beyond what the contract deems possible.",
    "negative_not_allowed": "A number is negative in a row that is no reversal.",
    "zero_not_allowed": "A number is zero where that says nothing, such as a rate or the units of a receipt.",
    "rate_to_itself": "A rate from something to itself is not 1.",
    "names_itself": "A document names itself where another belongs, such as the one that it reverses.",
    "bad_date": "A date does not exist, or is not written as the layout says.",
    "date_out_of_range": "A date is outside the years that the warehouse holds, or a year after its file.",
    "bad_timestamp": "A time does not exist, or is not written as the layout says.",
    "ambiguous_time": "A local time falls into the hour that clocks skip or repeat; the layout refuses it.",
    "bad_boolean": "A truth value is spelt in a way that the layout does not know, or stands for an id.",
    "scientific_id": "An id came in scientific notation: digits are lost.",
    "date_as_id": "An id came as a date: a spreadsheet has changed it.",
    "pattern_mismatch": "A value does not match the contract's pattern.",
    "value_not_allowed": "A value is not among those of the contract.",
    "unknown_currency": "A currency is no ISO 4217 code.",
    "conflicting_duplicate": "One key came twice with different values, and nothing says which is newer.",
    "bad_json": "The line is no JSON object.",
    "duplicate_json_key": "A JSON object has one key twice.",
    "mojibake": "A text was decoded wrongly before it came.",
    "repeated_element": "An element stands twice where the layout reads one.",
    "nested_value": "A list, an object or an element with others in it stands where one value belongs.",
    "nobodys_row": "No feed of the file takes the row, and no layout names it under `set_apart`.",
    "error_cell": "A cell of the workbook holds an error such as #REF!.",
    "merged_cell": "A cell of the workbook is merged with others, so that its row is not certain.",
    "select_error": "The layout's `select` fails on the row; the detail says why.",
    # files rejected
    "empty_file": "The file has no byte, or no row where the contract wants one.",
    "not_this_format": "The content is of another format than the layout says, such as an error page.",
    "encoding": "The file is not in the encoding that the layout says.",
    "no_sheet": "The workbook has no sheet of the name that the layout says.",
    "header": "A required column is missing, renamed without an alias, or there twice.",
    "unexpected_column": "The file has a column that the contract does not know, and the layout refuses it.",
    "column_type": "A column holds lists, records or bytes where the layout reads one value.",
    "truncated": "The file breaks off.",
    "malformed": "The file can't be read to its end.",
    "control_total": "The file's own count or total disagrees with its rows.",
    "unsafe_xml": "The XML declares a document type or entities.",
    "no_date": "The layout finds no day in the file's column that tells it.",
    "select": "The layout's `select` can't run on the file, or yields no rows of it.",
    "lookup": "Files that the layout looks up rows in have not landed yet.",
    "unsafe_name": "The file's name leads out of its folder or holds control characters.",
    "same_name": "Another file of this name, with other content, lies in the feed's other folder.",
    "unreadable": "The file can't be opened or read: no right to, gone away, or an error of the storage.",
    "internal_error": "The loader failed at the file in a way that it does not know; to be reported.",
    "unsafe_archive": "The archive is too large unpacked, or holds several files, links, or unsafe names.",
}
