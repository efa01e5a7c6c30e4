"""Why a row is quarantined or a file rejected: two closed lists."""

from __future__ import annotations

from enum import StrEnum


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
    ERROR_CELL = "error_cell"
    MERGED_CELL = "merged_cell"


class Rejection(StrEnum):
    """Why a whole file was rejected."""

    EMPTY_FILE = "empty_file"
    NOT_THIS_FORMAT = "not_this_format"
    ENCODING = "encoding"
    NO_SHEET = "no_sheet"
    HEADER = "header"
    UNEXPECTED_COLUMN = "unexpected_column"
    NESTED_COLUMN = "nested_column"
    TRUNCATED = "truncated"
    MALFORMED = "malformed"
    CONTROL_TOTAL = "control_total"
    UNSAFE_XML = "unsafe_xml"
    UNSAFE_NAME = "unsafe_name"
    UNSAFE_ARCHIVE = "unsafe_archive"


class FileRejected(Exception):
    """A file can't be loaded; nothing of it is.

    `reason` is from the closed list, `detail` says what was found and what to do.
    """

    def __init__(self, reason: Rejection, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
