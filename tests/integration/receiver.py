"""A system that is told: an HTTP server of this machine that remembers what came, and answers as bidden."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Receiver:
    """What came, in order. `answers` are given first, each once, then `always`, after `slow` seconds."""

    url: str = ""
    got: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    always: int = 200
    refuses: dict[str, int] = field(default_factory=dict)
    slow: float = 0.0
    retry_after: str = ""

    def events(self) -> list[tuple[str, int, str]]:
        """Key, revision and change of what came."""
        return [(event["event_key"], event["revision"], event["change"]) for event in self.got]

    def forget(self) -> None:
        """As before the first request."""
        for kept in (self.got, self.keys, self.headers, self.answers):
            kept.clear()


@contextlib.contextmanager
def listening() -> Iterator[Receiver]:
    """A receiver on loopback, on any free port."""
    receiver, lock = Receiver(), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            time.sleep(receiver.slow)
            with lock:
                receiver.got.append(body)
                receiver.keys.append(self.headers["Idempotency-Key"])
                receiver.headers.append(dict(self.headers.items()))
                status = receiver.answers.pop(0) if receiver.answers else receiver.always
            status = receiver.refuses.get(body["event_key"], status)
            with contextlib.suppress(OSError):  # who gave up waiting has gone
                self.send_response(status)
                if status in range(300, 400):
                    self.send_header("Location", f"{receiver.url}/elsewhere")
                if receiver.retry_after:
                    self.send_header("Retry-After", receiver.retry_after)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

        def log_message(self, *_: Any) -> None:
            """Nothing on the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.url = f"http://127.0.0.1:{server.server_port}/hook"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
