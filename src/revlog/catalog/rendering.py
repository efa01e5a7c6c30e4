"""The templates, and how they escape and mark up what they are given."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Any

from jinja2 import Environment
from markupsafe import Markup, escape

from revlog.catalog.book import LAYERS, Book
from revlog.config.settings import code_version
from revlog.outputs.escaping import SCRIPTS_BESIDE, html_environment

TEMPLATES = Path(__file__).parent / "templates"
ASSETS = Path(__file__).parent / "assets"


@functools.cache
def _environment() -> Environment:
    filters = {"code": _with_code, "first_sentence": _first_sentence, "plain": _plain, "dict_of": dict}
    found = html_environment(TEMPLATES, filters, SCRIPTS_BESIDE)
    found.tests["code"] = lambda value: re.fullmatch(r"[A-Z0-9]+(_[A-Z0-9]+)*", value) is not None
    return found


def render(name: str, book: Book, root: str = "", **given: Any) -> str:
    """One template; links go by way of `root`, so that the pages work from any folder or disk."""
    macros = _environment().get_template("macros.html").make_module({"layers": LAYERS})
    part = given.pop("part", name)
    return (
        _environment()
        .get_template(name)
        .render(book=book, root=root, m=macros, layers=LAYERS, part=part, version=code_version(), **given)
    )


def _with_code(text: str) -> Markup:
    """Escape a text; what stands between backticks becomes code."""
    parts = re.split(r"`([^`]+)`", text)
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if number % 2 else escape(part)
        for number, part in enumerate(parts)
    )


def _first_sentence(text: str) -> str:
    return re.split(r"(?<=[.:;])\s", text, maxsplit=1)[0].rstrip(".:;")


def _plain(text: str) -> str:
    """Letters and digits alone, to tell whether two texts say the same."""
    return re.sub(r"\W", "", text).lower()
