"""dlt's own way with arrow: read the file with pyarrow, hand the tables to a pipeline.

Arguments: the file, the folder of the pipeline. Prints the seconds.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

import dlt
import pyarrow as pa
from pyarrow import csv


def batches(path: str) -> Iterator[pa.Table]:
    """The file as arrow tables, typed by pyarrow as far as it can."""
    reader = csv.open_csv(
        path,
        read_options=csv.ReadOptions(encoding="latin-1", block_size=32 << 20),
        parse_options=csv.ParseOptions(delimiter=";"),
        convert_options=csv.ConvertOptions(decimal_point=",", timestamp_parsers=["%d.%m.%Y %H:%M:%S"]),
    )
    for batch in reader:
        yield pa.Table.from_batches([batch])


def main() -> None:
    path, folder = sys.argv[1:3]
    pipeline = dlt.pipeline("bench", destination="postgres", dataset_name="dlt_bench", pipelines_dir=folder)
    started = time.perf_counter()
    pipeline.run(batches(path), table_name="erp_sales_lines")
    print(time.perf_counter() - started)


if __name__ == "__main__":
    main()
