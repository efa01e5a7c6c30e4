"""Every check of the gates is a file that says what it means, and belongs to an asset."""

from __future__ import annotations

from pathlib import Path

import pytest

from revlog.builds.domains import DOMAINS
from revlog.config.settings import ROOT
from revlog.gates import checks
from revlog.gates.asset import CRITICAL, WARNING

FILES = sorted(str(p.relative_to(checks.FOLDER)) for p in checks.FOLDER.rglob("*.sql"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of checks with one asset, `x/y`, of one check."""
    monkeypatch.setattr(checks, "FOLDER", tmp_path)
    checks.parts.cache_clear()
    place = tmp_path / "x" / "y"
    place.mkdir(parents=True)
    (place / "rows.sql").write_text(
        "-- asset: raw.{{ feed }}\n-- key: a, b\n-- holds: marts\n-- Why: no field.\n"
        "select * from {{ feed }}\n"
    )
    (place / "too_many.sql").write_text(
        "-- severity: {{ hard }}\n-- meaning: Never\n--     two.\n-- Said aside.\n"
        "select *\nfrom batch\nwhere a > 2\n"
    )
    return place


@pytest.mark.parametrize("path", FILES)
def test_every_file_begins_with_what_it_needs(path: str) -> None:
    head, query = checks.parts(checks.FOLDER / path)
    assert query.strip()
    assert head.get("severity", "critical") in ("critical", "warning") or "{{" in head["severity"]
    assert head.get("holds", "marts") in DOMAINS or "{{" in head["holds"]


@pytest.mark.parametrize("path", [path for path in FILES if not path.endswith(checks.ROWS)])
def test_every_check_is_a_query_on_the_rows_of_its_asset(path: str) -> None:
    assert "from batch" in checks.parts(checks.FOLDER / path)[1]
    assert (checks.FOLDER / path).with_name(checks.ROWS).exists()


def test_no_two_checks_have_one_name() -> None:
    names = [Path(path).stem for path in FILES if not path.endswith(checks.ROWS)]
    assert len(set(names)) == len(names)


def test_every_folder_is_judged_by_a_suite() -> None:
    suites = "".join(p.read_text() for p in (ROOT / "expectations" / "suites").rglob("*.py"))
    folders = {Path(path).parent for path in FILES}
    assert [f for f in folders if f'"{f}"' not in suites and f'"{f.name}"' not in suites] == []


def test_an_asset_has_what_its_files_say(folder: Path) -> None:
    asset = checks.asset("x/y", {"feed": "f", "hard": "warning"})
    assert (asset.name, asset.suite, asset.key, asset.holds) == ("raw.f", "x.y", ("a", "b"), ("marts",))
    assert asset.query == "select t.* from (\nselect * from f\n) as t"
    (check,) = asset.expectations
    assert check.severity is WARNING and check.description == "Never two."
    assert check.meta == {"check": "too_many", "advice": "", "samples": ""}
    query = check.unexpected_rows_query.format(batch="t")  # type: ignore[attr-defined]
    assert query.endswith("(with batch as (select * from t) select *\nfrom batch\nwhere a > 2\n) as t")


def test_a_value_can_not_end_the_comment_that_it_stands_in(folder: Path) -> None:
    asset = checks.asset("x/y", {"feed": "f", "hard": "critical"}, without=["too_many"])
    assert not asset.expectations
    checks.parts.cache_clear()
    (folder / "too_many.sql").write_text(
        "-- severity: critical\n-- meaning: {{ said }}\nselect * from batch\n"
    )
    (check,) = checks.asset("x/y", {"feed": "f", "said": "a\ndrop table x;"}).expectations
    assert check.severity is CRITICAL and check.description == "a\ndrop table x;"
    assert "drop" not in check.unexpected_rows_query  # type: ignore[attr-defined]


def test_a_head_without_a_meaning_is_refused(folder: Path) -> None:
    (folder / "too_many.sql").write_text("-- severity: critical\nselect * from batch\n")
    with pytest.raises(ValueError, match=r"too_many\.sql begins with severity; it needs meaning, severity"):
        checks.asset("x/y", {"feed": "f"})


def test_a_field_that_nobody_reads_is_refused(folder: Path) -> None:
    (folder / "too_many.sql").write_text(
        "-- severity: critical\n-- meaning: m\n-- mood: m\nselect * from batch\n"
    )
    with pytest.raises(ValueError, match="mood"):
        checks.asset("x/y", {"feed": "f"})
