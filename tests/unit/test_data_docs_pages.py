"""The gates' own pages as they are seen: on a phone and a desk, light and dark."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Page

from revlog.gates import docs
from revlog.gates.results import CheckResult
from tests.browser import chromium, visit

# Every word of heads and cells that stands on more than one line.
BROKEN = r"""() => [...document.querySelectorAll("th, td")].flatMap((cell) => {
  const texts = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
  const found = [];
  while (texts.nextNode()) {
    for (const word of texts.currentNode.data.matchAll(/[^\s.\-,]+/g)) {
      const range = document.createRange();
      range.setStart(texts.currentNode, word.index);
      range.setEnd(texts.currentNode, word.index + word[0].length);
      if (range.getClientRects().length > 1) found.push(word[0]);
    }
  }
  return found;
})"""
GROUND = "getComputedStyle(document.body).backgroundColor"


@pytest.mark.parametrize(("scheme", "ground"), [("light", "rgb(255, 255, 255)"), ("dark", "rgb(14, 20, 27)")])
def test_a_gates_page_breaks_no_word_and_follows_the_scheme(
    tmp_path: Path, scheme: Literal["light", "dark"], ground: str
) -> None:
    check = CheckResult(
        "landed.files", "file_ledger", "feed_without_file", "business_date", "warning", True, None, 1234, [],
        "Every feed that comes daily has brought a file of the business date; those that lack are named.",
        "",
    )  # fmt: skip
    page = tmp_path / "index.html"
    made = docs._page("gate.html").render(
        stage="landed", night="2026-01-31", checks=[check], failed=0, pages={}
    )
    page.write_text(made, encoding="utf-8")
    seen: list[object] = []

    def act(tab: Page) -> None:
        for width in (390, 1440):
            tab.set_viewport_size({"width": width, "height": 900})
            over = tab.evaluate("document.documentElement.scrollWidth - innerWidth")
            seen.append((tab.evaluate(BROKEN), over, tab.evaluate(GROUND)))

    with chromium() as browser:
        visit(browser, page, scheme=scheme, act=act)
    assert seen == [([], 0, ground)] * 2
