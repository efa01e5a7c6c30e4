"""Values from outside, each as the place that it goes to must show it."""

from __future__ import annotations

import json
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from jinja2 import UndefinedError
from rich.console import Console

from revlog.outputs import escaping


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("Größe 42 – 返品", "Größe 42 – 返品"),
        ("a\nFAILED nothing", "a\\nFAILED nothing"),
        ("\x1b[2J\x9b31m", "\\x1b[2J\\x9b31m"),
        ("abc\u202egnp.exe", "abc\\u202egnp.exe"),
        ("a\u2028b\u0085c\x7f", "a\\u2028b\\x85c\\x7f"),
        ("broken \udce4", "broken \\udce4"),
        (Decimal("-1.50"), "-1.50"),
    ],
)
def test_a_value_stays_within_its_line_and_shows_what_it_is(value: object, shown: str) -> None:
    assert escaping.one_line(value) == shown


def test_lines_of_ours_stay_lines_and_each_is_inert() -> None:
    assert escaping.lines("first\r\n\tsecond\u2028third\x1b") == "first\n    second\\u2028third\\x1b"


def test_what_another_program_says_never_begins_a_line_of_ours() -> None:
    assert escaping.continued("Database Error\nCRITICAL forged") == "Database Error\n  | CRITICAL forged"


def test_a_text_can_not_end_the_script_that_it_stands_in() -> None:
    angry = "</script><script>alert(1)</script><!--\u2028"
    made = escaping.script({"a": angry})
    assert json.loads(made) == {"a": angry}
    assert not set("<>&\u2028") & set(made)


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("+1+1", "'+1+1"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t'=1"),
        ("\r=1", "'\r'=1"),
        ("  =1", "'  =1"),
        ("＝1", "'＝1"),
        ("toys;=cmd|' /c calc'!A1", "toys;'=cmd|' /c calc'!A1"),
        ("toys\n=1+1", "toys\n'=1+1"),
        ("a=b", "a=b"),
        ("-12.50", "-12.50"),
        ("+1e-05", "+1e-05"),
        (Decimal("-12.50"), Decimal("-12.50")),
        (None, None),
    ],
)
def test_no_spreadsheet_evaluates_a_cell_and_numbers_stay_numbers(value: object, cell: object) -> None:
    assert escaping.csv_cell(value) == cell


def test_brackets_are_no_markup_on_a_terminal() -> None:
    out = StringIO()
    Console(file=out, width=80).print(escaping.rich_text("[link=http://evil]x[/] [red]\x1b[5m"))
    assert out.getvalue() == "[link=http://evil]x[/] [red]\\x1b[5m\n"


def test_a_chat_shows_the_text_and_follows_none_of_it() -> None:
    text = "<!channel> & ```@here"
    assert escaping.slack(text) == "```\n&lt;!channel&gt; &amp; '''@here\n```"
    assert escaping.chat(text) == "```\n‹!channel› & '''@here\n```"


def test_a_bar_does_not_end_a_cell_of_a_markdown_table() -> None:
    assert escaping.markdown_cell("a|b\nc") == "a\\|b\\nc"


def test_a_page_escapes_whatever_it_is_given_and_misses_nothing(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<p title='{{ a }}'>{{ a | loud }}</p>{{ b }}")
    page = escaping.html_environment(tmp_path, {"loud": str.upper}).get_template("page.html")
    assert page.render(a="<b>'", b="") == "<p title='&lt;b&gt;&#39;'>&lt;B&gt;&#39;</p>"
    with pytest.raises(UndefinedError):
        page.render(a="")
