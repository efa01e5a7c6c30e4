"""`python -m semantic`: write, and every command of MetricFlow's `mf` against the published marts."""

from __future__ import annotations

import sys

from semantic import metrics_file
from warehouse.redaction import run_command


def main(arguments: list[str]) -> int:
    """`write` makes the metrics from the KPI definitions; everything else goes to `mf`."""
    if arguments == ["write"]:
        print(metrics_file.write())
        return 0
    from outputs.files import NotWritten
    from semantic.metricflow import NotUnderstood, run

    try:
        return run(arguments).returncode
    except (NotUnderstood, NotWritten) as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    run_command(lambda: sys.exit(main(sys.argv[1:])))
