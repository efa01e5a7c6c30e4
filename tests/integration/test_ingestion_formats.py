"""Fixed width, Parquet and workbooks through the loader: memory stays bounded, whatever the size."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from revlog.config.settings import process_environment
from tests.faults.formats import MAIN
from tests.integration.ingestion_landing import query

DAY = dt.date(2026, 1, 31)
LOADED = """
import datetime as dt, pathlib, re, sys
from revlog.ingestion.load import load_feed
[file] = load_feed(sys.argv[1], dt.date(2026, 2, 1)).files
assert file.status == "loaded" and file.counts.loaded > 1, file
# Not getrusage, whose peak begins with that of the process that called.
print(re.search(r"VmHWM:\\s*(\\d+)", pathlib.Path("/proc/self/status").read_text())[1])
"""


def _ledger(path: Path, rows: int) -> None:
    """Lines of the general ledger, and their trailer."""
    with path.open("w", encoding="latin-1") as file:
        for n in range(rows):
            file.write(
                f"J{rows}-{n:<15}"[:16]
                + f"{1:>9}202601312026-014000  {'1.00':>16}EUR{'CM':<24}{'Rückerstattung':<40}\n"
            )
        file.write(f"{'TRAILER':<16}{rows:>9}{'':21}{f'{rows}.00':>16}\n")


def _stock(path: Path, rows: int) -> None:
    """Stock of one day in a single row group, as large as the file."""
    numbers = pa.array(range(rows))
    same = {"site": "LEJ", "location": "dock", "grade": "NEW", "currency": "EUR"}
    table = pa.table(
        {
            "snapshot_date": pa.array([DAY] * rows),
            **{name: pa.array([value] * rows) for name, value in same.items()},
            "sku": pa.compute.binary_join_element_wise(f"SKU-{rows}", numbers.cast(pa.string()), "-"),
            "quantity": pa.array([number % 1_000 for number in range(rows)]),
            "unit_value": numbers.cast(pa.decimal128(19, 0)).cast(pa.decimal128(21, 4)),
        }
    )
    pq.write_table(table, path, row_group_size=rows)


def _vendors(path: Path, rows: int) -> None:
    """A sheet whose texts lie in its cells."""
    texts = ("vendor_id", "name", "country", "rtv_window_days", "rtv_recovery_pct")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        for name, part in WORKBOOK.items():
            book.writestr(name, part)
        with book.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            sheet.write(f'<worksheet xmlns="{MAIN}"><sheetData>{_row(1, texts)}'.encode())
            for n in range(rows):
                sheet.write(_row(n + 2, (f"V{rows}-{n}", f"Vendor {n}", "DE", 30, 85.5)).encode())
            sheet.write(b"</sheetData></worksheet>")


def _row(number: int, values: tuple[object, ...]) -> str:
    cells = (
        f'<c r="{chr(65 + i)}{number}" t="inlineStr"><is><t>{v}</t></is></c>'
        if isinstance(v, str)
        else f'<c r="{chr(65 + i)}{number}"><v>{v}</v></c>'
        for i, v in enumerate(values)
    )
    return f'<row r="{number}">{"".join(cells)}</row>'


_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
WORKBOOK = {
    "_rels/.rels": f'<Relationships xmlns="{_RELATIONS}"><Relationship Id="r1"'
    f' Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{_OFFICE}"><sheets>'
    '<sheet name="Vendors" sheetId="1" r:id="r1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_RELATIONS}"><Relationship Id="r1"'
    f' Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
}


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read from /proc")
@pytest.mark.parametrize(
    ("name", "write", "rows"),
    [
        # Each of the smaller files fills the pipeline of the loader with several chunks.
        ("erp/erp_gl_entries_20260131.txt", _ledger, 130_000),
        ("wms/wms_returned_stock_20260131.parquet", _stock, 130_000),
        ("erp/erp_vendors_20260131.xlsx", _vendors, 20_000),
    ],
)
def test_a_file_ten_times_as_large_takes_no_more_than_half_as_much_memory_again(
    name: str, write: Callable[[Path, int], None], rows: int, fresh_database: Path
) -> None:
    small, large = (_peak_kilobytes(fresh_database / name, write, n) for n in (rows, 10 * rows))
    assert large <= 1.5 * small, f"{small} and {large} kB"
    assert query(f"select count(*) from raw.{_feed(name)}") == [(11 * rows,)]


def _feed(name: str) -> str:
    return name.split("/")[1].rpartition("_")[0]


def _peak_kilobytes(path: Path, write: Callable[[Path, int], None], rows: int) -> int:
    path.parent.mkdir(exist_ok=True)
    write(path, rows)
    os.utime(path)
    path.with_name(f"{path.name}.done").touch()
    done = subprocess.run(
        [sys.executable, "-c", LOADED, _feed(f"x/{path.name}")], env=process_environment(),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return int(done.stdout.split()[-1])
