"""Values from outside, made inert for where they go: nothing that a feed says runs, links or forges a line.

Outside is whatever a file, a source system or a person sent: categories, names, numbers of documents, file
names, JSON keys, reasons, notes. Every page, file and log that the project writes takes its rule from here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment

# Scripts that a page may run: none, or those that lie beside it, also where it is opened from disk.
NO_SCRIPTS, SCRIPTS_BESIDE = "'none'", "'self' file:"
# Where a spreadsheet would begin to evaluate: at the start of a cell, or of one that a reader with another
# separator splits off it.
EVALUATED = re.compile(r"(?:^|(?<=[;\t\r\n]))(?=\s*[=+\-@＝＋－＠]|[\t\r])")
NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)(e[-+]?\d+)?", re.IGNORECASE)
# Of Excel: characters of a cell.
CELL_MOST = 32_767
# What may end an element of a page, or a line of JavaScript.
IN_SCRIPT = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}


def policy(scripts: str = NO_SCRIPTS) -> str:
    """Content security policy of a page: the second line, behind escaping. Nothing comes from elsewhere."""
    return (
        f"default-src 'none'; script-src {scripts}; style-src 'unsafe-inline' 'self' file:;"
        " img-src data:; font-src data:; form-action 'none'; base-uri 'none'"
    )


def html_environment(templates: Path, filters: Mapping[str, Any], scripts: str = NO_SCRIPTS) -> Environment:
    """Templates for pages: every value is escaped, a name that is not given is an error.

    `policy` is what the pages name as their content security policy.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    found = Environment(
        loader=FileSystemLoader(templates), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    found.filters |= filters
    found.globals["policy"] = policy(scripts)
    return found


def script(value: object) -> str:
    """A value as JavaScript, for a script file or within a page's `script`: no text can end the element."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).translate(IN_SCRIPT)


def one_line(value: object) -> str:
    """A value within a line of a log, a terminal or a mail's subject: what can't be seen is spelt out.

    So are line breaks, the escapes of terminals, and marks that turn the direction of writing around.
    """
    text = str(value)
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def lines(value: object) -> str:
    """A text that we have put together of several lines, each of them inert."""
    return "\n".join(map(one_line, str(value).replace("\r\n", "\n").expandtabs(4).split("\n")))


def continued(value: object) -> str:
    """What another program said: further lines stand behind a bar, so that none passes for one of ours."""
    return lines(value).replace("\n", "\n  | ")


def rich_text(value: object) -> str:
    """A value within what `rich` prints: its square brackets are no markup."""
    from rich.markup import escape

    return escape(one_line(value))


def slack(value: object) -> str:
    """A text for Slack as a block of code: no mention, link, image or preview comes of it.

    Slack reads marks in angle brackets even there, and shows its three entities as what they stand for.
    """
    text = _block(value)
    for sign, name in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(sign, name)
    return text


def chat(value: object) -> str:
    """The same for any chat service, Slack included: few know entities, so the brackets are others."""
    return _block(value).replace("<", "‹").replace(">", "›")


def _block(value: object) -> str:
    return "```\n" + lines(value).replace("```", "'''") + "\n```"


def markdown_block(value: object) -> str:
    """A text within a page of Markdown, shown as it is: no link or image comes of it."""
    return "```text\n" + lines(value).replace("```", "'''") + "\n```"


def markdown_cell(value: object) -> str:
    """A value within a cell of a Markdown table."""
    return one_line(value).replace("|", "\\|")


def comment(value: object) -> str:
    """A value within a sentence that another system shows: no tag, link or line of its own comes of it.

    Which markup that system knows nobody tells: HTML, Markdown, or addresses that become links by themselves.
    """
    text = one_line(value).replace("<", "‹").replace(">", "›").replace("](", "] (")
    return text.replace("://", ": //").replace("`", "'")


def csv_cell(value: object) -> object:
    """A value for a CSV file: a text that a spreadsheet would evaluate begins with an apostrophe.

    Numbers stay numbers, those that came as text included.
    """
    if not isinstance(value, str) or NUMBER.fullmatch(value):
        return value
    return EVALUATED.sub("'", value)


def sheet_text(value: object) -> str:
    """A value as the text of an XLSX cell; what is longer than a cell ends in an ellipsis.

    XlsxWriter takes a text between <r> and </r> for markup of its own and writes it into the sheet as it is:
    such a text ends in a space.
    """
    found = str(value)
    if len(found) > CELL_MOST:
        found = found[: CELL_MOST - 1] + "…"
    return f"{found} " if found.startswith("<r>") and found.endswith("</r>") else found


def formula_text(value: str) -> str:
    """A text as a literal in a formula; no text can end the literal early."""
    return '"' + value.replace('"', '""') + '"'
