"""The dictionary's pages and search of a book written by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from revlog.catalog.book import Book, Check, Column, KpiPage, Reader, Table
from revlog.catalog.pages import Beside, pages
from revlog.reports.subjects import OTHER, by_subject, subject_of
from revlog.values.reasons import MEANINGS, Reason, Rejection

ANGRY = "<script>alert('x')</script> & `a<b`"


def _table(id_: str, layer: str, schema: str, columns: dict[str, Column], **more: object) -> Table:
    name = id_.split(".")[-1]
    return Table(id_, layer, schema, name, name, ANGRY, columns=columns, **more)  # type: ignore[arg-type]


@pytest.fixture()
def book() -> Book:
    """A feed, a step, a fact and two published tables; the step only renames."""
    feed = _table(
        "raw.erp_sales",
        "feed",
        "raw",
        {"net": Column("net", "numeric", ANGRY)},
        facts=[("Source", "ERP"), ("Mode", "delta: x")],
    )
    step = _table(
        "stg_sales",
        "staging",
        "staging",
        {"amount": Column("amount", origins=[("raw.erp_sales", "net")])},
        parents=["raw.erp_sales"],
    )
    fact = _table(
        "fct_sales",
        "core",
        "core",
        {"amount": Column("amount", origins=[("stg_sales", "amount")])},
        parents=["stg_sales"],
    )
    kpi = _table(
        "kpi_daily",
        "marts",
        "marts",
        {"numerator": Column("numerator", origins=[("fct_sales", "amount")]), "kpi": Column("kpi")},
        parents=["fct_sales"],
        checks=[Check("a_test", ANGRY)],
    )
    words = _table("kpi_definitions", "marts", "marts", {"kpi": Column("kpi", rules=[ANGRY])})
    codes = _table(
        "codes.reasons",
        "codes",
        "core",
        {"reason": Column("reason"), "label": Column("label")},
        rows=[{"reason": "DEFECTIVE", "label": ANGRY}],
    )
    made = Book({t.id: t for t in (feed, step, fact, kpi, words, codes)})
    made.kpis = {
        "share": KpiPage(
            "share",
            "Share",
            dict.fromkeys(
                (
                    "question",
                    "formula",
                    "numerator",
                    "denominator",
                    "unit",
                    "better",
                    "owner",
                    "caveats",
                    "grain",
                ),
                ANGRY,
            ),
            {"SALE": "share"},
        )
    }
    made.readers = [Reader("desk", "Desk", "application", "service", ANGRY, ["kpi_daily"])]
    made.link_columns()
    return made  # fmt: skip


def test_no_text_becomes_markup(book: Book) -> None:
    made = pages(book, [Beside("x.html", ANGRY, ANGRY)])
    for name, text in made.items():
        assert "<script>alert" not in text, name
    assert "&lt;script&gt;alert(" in made["tables/kpi_daily.html"]
    assert "<code>a&lt;b</code>" in made["tables/kpi_daily.html"]


def test_a_value_is_followed_from_its_feed_to_the_mart_and_back(book: Book) -> None:
    assert book.last_users(("raw.erp_sales", "net")) == [("fct_sales", "amount"), ("kpi_daily", "numerator")]
    assert book.first_origins(("kpi_daily", "numerator")) == [("raw.erp_sales", "net")]
    assert [t.id for t in book.feeds_of("kpi_daily")] == ["raw.erp_sales"]
    assert [t.id for t in book.reached_by("raw.erp_sales")] == ["kpi_daily"]
    page = pages(book, [])["feeds/erp_sales.html"]
    assert 'href="../tables/stg_sales.html#amount"' in page
    assert 'href="../tables/kpi_daily.html#numerator"' in page


def test_a_column_without_words_is_a_hole(book: Book) -> None:
    assert book.holes("feed") == []
    assert book.holes("marts") == [
        "marts.kpi_daily.numerator", "marts.kpi_daily.kpi", "marts.kpi_definitions.kpi",
    ]  # fmt: skip


def test_search_knows_tables_columns_codes_kpis_and_readers(book: Book) -> None:
    script = pages(book, [])["assets/search-index.js"]
    found = json.loads(script.removeprefix("window.DICTIONARY = ").rstrip(";\n"))
    assert (found[0]["kind"], found[0]["name"]) == ("KPI", "share")
    assert {e["name"] for e in found if e["kind"] in ("Mart", "Feed", "Core", "Staging", "Codes")} == {
        "raw.erp_sales", "staging.stg_sales", "core.fct_sales", "marts.kpi_daily",
        "marts.kpi_definitions", "core.reasons",
    }  # fmt: skip
    assert {(e["name"], e["url"]) for e in found if e["kind"] == "Code"} == {
        ("DEFECTIVE", "codes/reasons.html#row-1")
    }
    assert ("amount", "tables/fct_sales.html#amount") in {(e["name"], e["url"]) for e in found}
    assert any(e["kind"] == "Reader" and e["name"] == "Desk" for e in found)


def test_every_reason_of_the_loader_has_a_meaning() -> None:
    assert [code for code in (*Reason, *Rejection) if code.value not in MEANINGS] == []


def test_a_kpi_stands_under_its_question_with_its_parts() -> None:
    kpis = ["csat", "cost_per_return", "cost_per_return.freight", "brand_new"]
    assert by_subject(kpis) == [
        ("What does it cost?", ["cost_per_return", "cost_per_return.freight"]),
        ("How do customers take it?", ["csat"]),
        (OTHER, ["brand_new"]),
    ]
    assert subject_of("open_return_units.0_7") == "What is waiting?"


def test_pages_of_tables_that_are_gone_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, book: Book
) -> None:
    from revlog.catalog import site as dictionary

    monkeypatch.setattr(dictionary, "read_artifacts", lambda target: target)
    monkeypatch.setattr(dictionary, "collect", lambda artifacts: book)
    for old in ("tables/gone.html", "dbt.html"):
        (tmp_path / old).parent.mkdir(exist_ok=True)
        (tmp_path / old).touch()
    dictionary.write_dictionary(tmp_path, tmp_path)
    assert not (tmp_path / "tables" / "gone.html").exists()
    assert (tmp_path / "dbt.html").exists()
