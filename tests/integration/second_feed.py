"""A second feed with names: recipients of parcels, as a company would add them in a contract of its own."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from revlog.contracts import contract as contracts
from revlog.ingestion.raw import create_raw_tables

FEED = "crm_recipients"
CONTRACT = {
    "feed": FEED,
    "source": "crm",
    "title": "Recipients",
    "description": "To whom parcels went.",
    "grain": "one row per parcel",
    "key": ["tracking_no"],
    "mode": "delta",
    "version": "updated_at",
    "columns": {
        "tracking_no": {"type": "id", "required": True, "description": "Parcel."},
        "customer_id": {"type": "id", "pii": "pseudonym", "description": "Customer; empty for a guest."},
        "name": {"type": "text", "pii": "direct", "description": "Name on the label."},
        "address": {"type": "text", "pii": "direct", "description": "Address on the label."},
        "born_on": {"type": "date", "pii": "direct", "description": "Day of birth."},
        "note": {"type": "text", "pii": "free_text", "description": "Words for the driver."},
        "country": {"type": "code", "description": "Country."},
        "updated_at": {"type": "timestamp", "required": True, "description": "Last change."},
    },
    "layouts": {"standard": {"file": f"{FEED}_{{date}}*.jsonl", "format": "jsonl"}},
}


@contextlib.contextmanager
def second_feed(folder: Path) -> Iterator[None]:
    """Let the company have the feed beside its others, with the tables that a migration makes."""
    shutil.copytree(contracts.CONTRACTS, folder)
    (folder / f"{FEED}.yml").write_text(yaml.safe_dump(CONTRACT, sort_keys=False))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(contracts, "CONTRACTS", folder)
        contracts._read.cache_clear()
        create_raw_tables()
        yield
    contracts._read.cache_clear()


def parcel(tracking_no: str, **values: Any) -> str:
    """A line of the feed's file."""
    row = {"tracking_no": tracking_no, "country": "DE", "updated_at": "2026-01-31T10:00:00Z"} | values
    return json.dumps(row, ensure_ascii=False) + "\n"
