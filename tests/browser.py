"""Headless Chromium for tests of pages: opens one as a reader would, and tells what the page did."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, Request, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
# No sandbox, since CI is root; nothing that the browser would ask for by itself.
OPTIONS = [
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
# A value that leaves every element and attribute behind it, and then runs, asks, and covers the page.
HOSTILE = (
    "</script></style></title><script>ran('script')</script>"
    "<img src=http://127.0.0.1:9/x onerror=ran('image')><svg onload=ran('svg')>"
    "\"'><b onmouseover=ran('hover') style=position:fixed;inset:0>{{7*7}}${7*7}"
)


@dataclass
class Visit:
    """What a page showed and did: its text, what it asked for beside files, what ran and should not have."""

    text: str = ""
    asked: list[str] = field(default_factory=list)
    ran: list[str] = field(default_factory=list)
    handlers: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @property
    def harm(self) -> list[str]:
        """Everything that an inert page does not do."""
        return [*self.asked, *self.ran, *self.handlers]


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """The machine's own Chromium. Without one the test is skipped, but where CI says that it must run."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        missing = "there is no Chromium: apt-get install chromium"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, args=OPTIONS)
        yield browser
        browser.close()


def visit(
    browser: Browser,
    page: Path,
    *,
    is_guarded: bool = False,
    scheme: Literal["light", "dark"] = "light",
    act: Callable[[Page], object] = lambda page: None,
) -> Visit:
    """Open a page from disk, do `act`, and move the mouse over it.

    Its content security policy is in force only where `is_guarded`: escaping has to do without.
    """
    seen = Visit()
    context = browser.new_context(bypass_csp=not is_guarded, color_scheme=scheme)
    try:
        context.on("request", lambda request: _note(seen.asked, request.url))
        context.on("requestfailed", lambda request: _stopped(seen.asked, request))
        tab = context.new_page()
        tab.on("dialog", lambda dialog: (seen.ran.append(dialog.message), dialog.dismiss()))
        tab.on("pageerror", lambda error: seen.errors.append(str(error)))
        tab.expose_function("ran", lambda what: seen.ran.append(what))
        tab.goto(page.as_uri(), wait_until="load")
        act(tab)
        tab.mouse.move(200, 200)
        tab.mouse.move(300, 300)
        seen.text = tab.evaluate("document.documentElement.textContent")
        seen.handlers = tab.evaluate(
            "[...document.querySelectorAll('*')].flatMap(e => [...e.attributes])"
            ".filter(a => a.name.startsWith('on')).map(a => a.name + '=' + a.value)"
        )
    finally:
        context.close()
    return seen


def _note(asked: list[str], url: str) -> None:
    if not url.startswith(("file:", "data:", "blob:")):
        asked.append(url)


def _stopped(asked: list[str], request: Request) -> None:
    """What the page's own policy stopped never left the browser."""
    if request.failure == "csp" and request.url in asked:
        asked.remove(request.url)
