"""Post one event to a server, as often as it takes, under a key by which the server knows it again."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType

import httpx

from revlog.config.refusal import Refusal
from revlog.config.settings import project_version
from revlog.ingestion.storage import Unreached
from revlog.outbound.destination import Destination

# Seconds until one answer is given up, and pauses before each further try.
TIMEOUT_SECONDS = 30.0
PAUSES = (1.0, 4.0, 16.0)
# A server that asks for a longer pause is asked again by the next run.
LONGEST_PAUSE = 60.0
# Answers that another try may change; those that are about the address or the login, so about every event.
PASSING = frozenset({408, 425, 429, *range(500, 600)})
OF_THE_ADDRESS = frozenset({401, 403, 404, 405, 407, *range(300, 400)})
# What is read of an answer, in bytes: nothing in it is needed.
MOST_OF_AN_ANSWER = 1 << 16


class Refused(Refusal):
    """The receiver does not take this event; others it may."""


class DestinationRefused(Refusal):
    """The receiver takes nothing at this address, or from this login; the message says what to do."""


@dataclass(frozen=True)
class Answer:
    """Status of an answer, and the seconds that the server asks to wait."""

    status: int
    pause: float = 0.0


class Poster:
    """A connection to the server of one feed; a `with` statement ends it."""

    def __init__(
        self, destination: Destination, known: tuple[int, ...], pause: Callable[[float], object] = time.sleep
    ) -> None:
        self._to, self._known, self._pause = destination, known, pause
        # Followed, a redirect would carry event and key to an address that nobody has named.
        # It would log every address, which may be a secret.
        logging.getLogger("httpx").setLevel(logging.WARNING)
        self._client = httpx.Client(timeout=TIMEOUT_SECONDS, follow_redirects=False)

    def __enter__(self) -> Poster:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def post(self, event_id: str, payload: str) -> None:
        """Deliver one event. Raises Refused, DestinationRefused, or Unreached after the last try."""
        said = ""
        for pause in (*PAUSES, None):
            try:
                answer = self._asked(event_id, payload)
            except httpx.InvalidURL:
                raise DestinationRefused(f"{self._to} is no address: correct OUTBOUND_TO_…") from None
            except httpx.TransportError as error:
                # Without its own words, which may quote the address.
                said, asked = f"does not answer ({type(error).__name__})", 0.0
            else:
                if answer.status not in PASSING:
                    return self._judge(answer.status)
                said, asked = f"answers {answer.status}", answer.pause
            if pause is None or asked > LONGEST_PAUSE:
                break
            self._pause(max(pause, asked))
        raise Unreached(
            f"{self._to} {said}; what it has not taken waits in ops.outbound_ledger for the next try"
        )

    def _asked(self, event_id: str, payload: str) -> Answer:
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Idempotency-Key": event_id,
            "User-Agent": f"reverse-logistics/{project_version()}",
        }
        if self._to.authorization:
            headers["Authorization"] = self._to.authorization
        started = time.monotonic()
        with self._client.stream(
            "POST", self._to.address, content=payload.encode(), headers=headers
        ) as answer:
            # Read, so that the connection can be used again; but no further than a server may go on.
            read = 0
            for part in answer.iter_raw():
                read += len(part)
                if read > MOST_OF_AN_ANSWER or time.monotonic() - started > TIMEOUT_SECONDS:
                    break
            return Answer(answer.status_code, _seconds(answer.headers.get("Retry-After", "")))

    def _judge(self, status: int) -> None:
        if status in range(200, 300) or status in self._known:
            return
        if status in OF_THE_ADDRESS:
            raise DestinationRefused(
                f"{self._to} answers {status}: it takes nothing at this address or from this login. Correct"
                " OUTBOUND_TO_… or OUTBOUND_AUTHORIZATION_… of the feed; what waits goes with the next run"
            )
        raise Refused(f"answers {status}")


def _seconds(text: str) -> float:
    """Seconds of Retry-After; a date, which some write instead, counts as none."""
    return float(text) if text.isascii() and text.isdecimal() else 0.0
