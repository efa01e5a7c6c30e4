"""What leaves of an event: its identity, its envelope, and the lines of a file.

All of it follows from what was decided, so that a delivery that is taken up sends the same bytes.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from revlog.outbound.contract import PLACE, OutboundContract
from revlog.outputs.escaping import comment, csv_cell

Change = Literal["new", "correction", "withdrawal"]
Data = dict[str, Any]
# Of all companies' events: what an event's identity is made in.
NAMESPACE = uuid.UUID("6f6b3f0e-52a4-5c3c-9d0e-7d1c2b8f4a10")
# Of a SHA-256, in hexadecimal digits: enough to see that a column differs, too few to find out what it was.
COLUMN_DIGITS, FILE_DIGITS = 8, 16
# Columns of a file before those of the contract.
ENVELOPE = (
    "event_id", "event", "event_key", "revision", "change", "corrects", "happened_on", "business_date",
)  # fmt: skip


@dataclass(frozen=True)
class Correction:
    """The revision that an event corrects, and the columns of it that were told otherwise."""

    event_id: str
    revision: int
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Outgoing:
    """An event that is to be told; `data` is None where it no longer holds."""

    event: str
    event_key: str
    revision: int
    change: Change
    happened_on: str
    data: Data | None
    corrects: Correction | None = None


def event_id(company: str, feed: str, event_key: str, revision: int) -> str:
    """Identity of a revision of an event: the same however often it is decided, on whatever machine."""
    return str(uuid.uuid5(NAMESPACE, "\n".join([company, feed, event_key, str(revision)])))


def envelope(
    contract: OutboundContract, identity: str, told: Outgoing, publication_id: int, business_date: str
) -> str:
    """The event as JSON, one line: who it is, what it changes, a sentence for people, and its columns."""
    columns = contract.columns_of(told.event)
    found = {
        "event_id": identity,
        "feed": contract.feed,
        "event": told.event,
        "event_key": told.event_key,
        "revision": told.revision,
        "change": told.change,
        "corrects": told.corrects
        and {
            "event_id": told.corrects.event_id,
            "revision": told.corrects.revision,
            "columns": list(told.corrects.columns),
        },
        "happened_on": told.happened_on,
        "business_date": business_date,
        "publication": publication_id,
        "text": sentence(contract, told),
        "data": {name: told.data[name] if told.data else None for name in columns},
    }
    return json.dumps(found, ensure_ascii=False, separators=(",", ":"))


def sentence(contract: OutboundContract, told: Outgoing) -> str:
    """What people read of it: the contract's sentence with the row's values, each made inert."""
    if told.data is None:
        return comment(f"No longer so: {told.event_key}, as told before.")
    data = told.data
    said = PLACE.sub(lambda place: comment(_shown(data[place[1]])), contract.events[told.event].says)
    return f"Corrected. {said}" if said and told.change == "correction" else said


def column_digests(data: Data) -> dict[str, str]:
    """First digits of a hash of each column."""
    return {name: _digest(json.dumps([name, value]))[:COLUMN_DIGITS] for name, value in data.items()}


def differing(before: dict[str, str], after: dict[str, str]) -> tuple[str, ...]:
    """Columns that were told, and are told otherwise now."""
    return tuple(name for name, digest in after.items() if before.get(name, digest) != digest)


def file_name(contract: OutboundContract, business_date: str, identities: Iterable[str]) -> str:
    """Name of the file that holds these events, the same whenever they are put together."""
    batch = _digest("\n".join(identities))[:FILE_DIGITS]
    return f"{contract.feed}_{business_date.replace('-', '')}_{batch}.{contract.format}"


def content(name: str, payloads: Sequence[str]) -> bytes:
    """Bytes of a file, by the ending of its name: a line an event, in UTF-8."""
    if name.endswith(".jsonl"):
        return "".join(f"{payload}\n" for payload in payloads).encode()
    return _csv([json.loads(payload) for payload in payloads]).encode()


def _csv(events: list[dict[str, Any]]) -> str:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([*ENVELOPE, *events[0]["data"]])
    for event in events:
        corrected = event["corrects"] and event["corrects"]["event_id"]
        head = [corrected if name == "corrects" else event[name] for name in ENVELOPE]
        writer.writerow([_cell(value) for value in [*head, *event["data"].values()]])
    return out.getvalue()


def _cell(value: Any) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    return csv_cell(value)


def _shown(value: Any) -> str:
    """A value in a sentence; a dash where there is none."""
    if value is None:
        return "–"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
