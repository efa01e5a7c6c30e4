"""Where a feed goes: what the environment, `.env` or the folder of secrets says of it.

Addresses are no part of a contract or of the company's folder: a second machine that serves the same company
must not tell everybody a second time.
"""

from __future__ import annotations

import datetime as dt
import os
from dataclasses import dataclass
from urllib.parse import urlsplit

from revlog.config.redaction import DESTINATIONS
from revlog.config.settings import SettingsError
from revlog.ingestion import storage
from revlog.outbound.contract import OutboundContract

AUTHORIZATION = "OUTBOUND_AUTHORIZATION_"
BEGINS_ON, MOST = "OUTBOUND_BEGINS_ON", "OUTBOUND_MOST"
SETTINGS = "OUTBOUND_"
LOOPBACK = ("127.0.0.1", "::1", "localhost")
# Events of a feed that one run tells; more are taken for a slip (docs/how-to/tell-other-systems.md).
MOST_BY_DEFAULT = 10_000


@dataclass(frozen=True)
class Destination:
    """Address of a feed, and what it sends as the header Authorization, if anything."""

    address: str
    authorization: str = ""

    def __str__(self) -> str:
        """The address as messages show it: of a server its host alone, since a path may be the secret."""
        parts = urlsplit(self.address)
        return f"{parts.scheme}://{parts.hostname}" if self.is_http else storage.shown(self.address)

    @property
    def is_http(self) -> bool:
        """True where events are posted."""
        return self.address.startswith(("http://", "https://"))


def of(contract: OutboundContract) -> Destination | None:
    """Where the feed goes; None while it is off. Raises SettingsError where it can't go there."""
    given, feed = _given(), contract.feed.upper()
    address = given.get(DESTINATIONS + feed, "")
    if not address:
        return None
    found = Destination(address, given.get(AUTHORIZATION + feed, ""))
    if fault := _fault(contract, found):
        raise SettingsError(f"{DESTINATIONS}{feed} {fault}. Nothing of {contract.feed} was sent")
    return found


def all_off() -> bool:
    """True where no address of any feed is set."""
    return not any(name.startswith(DESTINATIONS) for name in _given())


def of_no_feed(feeds: list[str]) -> list[str]:
    """Settings that name where a feed goes which there is not, as after a slip of the pen."""
    known = {DESTINATIONS + feed.upper() for feed in feeds}
    return sorted(name for name in _given() if name.startswith(DESTINATIONS) and name not in known)


def begins_on() -> dt.date | None:
    """First day whose events are told, where it is set. Raises SettingsError."""
    given = _given().get(BEGINS_ON)
    try:
        return dt.date.fromisoformat(given) if given else None
    except ValueError:
        raise SettingsError(f"{BEGINS_ON}={given} is no date such as 2026-02-01") from None


def most() -> int:
    """Events of a feed that one run tells at most. Raises SettingsError."""
    given = _given().get(MOST) or str(MOST_BY_DEFAULT)
    if not given.isdecimal() or int(given) < 1:
        raise SettingsError(f"{MOST}={given} is no number of events such as {MOST_BY_DEFAULT}")
    return int(given)


def _fault(contract: OutboundContract, found: Destination) -> str | None:
    parts = urlsplit(found.address)
    if found.is_http != (contract.destination == "http"):
        wanted = (
            "an https:// address" if contract.destination == "http" else "a folder, bucket or SFTP server"
        )
        return f"must be {wanted}: the contract of {contract.feed} says destination: {contract.destination}"
    if "://" in found.address and (parts.password or (parts.query and not found.is_http)):
        return (
            "holds a password or a key, which messages would show: give it as"
            " docs/how-to/tell-other-systems.md says"
        )
    if found.is_http and not parts.hostname:
        return "names no server: write it as https://host/path"
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        return "must begin with https://: what is sent, and its key, would travel in the clear"
    return None


def _given() -> dict[str, str]:
    """Settings of what leaves; the environment wins over files."""
    own = {name: value for name, value in os.environ.items() if value and name.startswith(SETTINGS)}
    return {**storage.given((SETTINGS,)), **own}
