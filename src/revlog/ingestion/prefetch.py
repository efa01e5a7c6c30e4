"""Work ahead in a second thread: the next chunk is converted while this one is being sent."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterable
from typing import Any, TypeVar

Item = TypeVar("Item")
_END = object()
# One chunk waiting, one in work and one being sent: memory stays bounded.
AHEAD = 1


def prefetched(items: Iterable[Item]) -> Generator[Item, None, None]:
    """Yield `items`, made in a thread of their own; its exceptions are raised here.

    Close the generator to stop the thread before its end.
    """
    ready: queue.Queue[Any] = queue.Queue(AHEAD)
    stopped = threading.Event()

    def make() -> None:
        try:
            for item in items:
                if not _put(ready, item, stopped):
                    return
            _put(ready, _END, stopped)
        except BaseException as error:
            _put(ready, _Failure(error), stopped)

    thread = threading.Thread(target=make, name="convert", daemon=True)
    thread.start()
    try:
        while (item := ready.get()) is not _END:
            if isinstance(item, _Failure):
                raise item.error
            yield item
    finally:
        stopped.set()
        thread.join()


class _Failure:
    def __init__(self, error: BaseException) -> None:
        self.error = error


def _put(ready: queue.Queue[Any], item: Any, stopped: threading.Event) -> bool:
    while not stopped.is_set():
        try:
            ready.put(item, timeout=0.1)
            return True
        except queue.Full:
            continue
    return False
