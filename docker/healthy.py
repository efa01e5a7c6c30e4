"""Health check of a container: ask Airflow's API for one component (argument) and exit 0 or 1.

One request instead of `airflow jobs check`, which imports all of Airflow every half minute.
"""

from __future__ import annotations

import json
import sys
import urllib.request

URL = "http://api-server:8080/api/v2/monitor/health"


def main(component: str) -> int:
    """Return 0 where `component` reports healthy; print what it reports."""
    with urllib.request.urlopen(URL, timeout=8) as answer:
        found = json.load(answer)[component]
    print(found)
    return 0 if found["status"] == "healthy" else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
