"""Plans of layers: what differs from build to build is put in, and an answer is one in any order."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from revlog.transform import plan
from revlog.transform.plan import Node, Plan, Statement

QUERY = (
    'insert into "old"."core"."t" select \'old.x\' from "old"."ops"."f"'
    " where seq > '12' /*build: from_seq*/ and seq <= '9' /*build: to_seq*/"
    " and day < cast('2026-01-31' /*build: business_date*/ as date) and code = '12'"
)


def test_a_statement_is_of_this_database_and_this_build() -> None:
    planned = Plan("old", (), {})
    build = {"from_seq": 40, "to_seq": 55, "business_date": "2026-02-07"}
    assert planned.sql(QUERY, "new", build) == (
        'insert into "new"."core"."t" select \'old.x\' from "new"."ops"."f"'
        " where seq > '40' /*build: from_seq*/ and seq <= '55' /*build: to_seq*/"
        " and day < cast('2026-02-07' /*build: business_date*/ as date) and code = '12'"
    )


def test_a_statement_of_a_parameter_that_a_build_does_not_have_is_no_plan() -> None:
    with pytest.raises(KeyError):
        Plan("old", (), {}).sql("select '1' /*build: other*/", "new", {"from_seq": 1})


def test_an_answer_is_the_same_in_any_order_and_whatever_the_database_is_called() -> None:
    rows = [("a", 1, None), ("b", 2, "warehouse")]
    assert plan.answer(rows, "warehouse") == plan.answer([("b", 2, "w2"), ("a", 1, None)], "w2")
    assert plan.answer(rows, "warehouse") != plan.answer(rows[:1], "warehouse")
    assert plan.answer([("a", None)], "w") != plan.answer([("a", "None")], "w")
    assert plan.answer([("a", "b")], "w") != plan.answer([("a",), ("b",)], "w")


@pytest.fixture()
def kept(tmp_path: Path) -> Path:
    """A plan that is kept, of a project whose manifest says `ours`."""
    (tmp_path / "target").mkdir()
    (tmp_path / "target" / "manifest.json").write_text("ours")
    node = Node(("a", "b"), (Statement("select 1", "hash"), Statement("commit")), 0, {"status": "success"})
    made = Plan("old", (Statement("create schema s"),), {"n": node, "e": Node((), (), None, None)})
    plan.write(made, tmp_path / "target" / "plan.json")
    plan.keep(tmp_path / "target" / "plan.json", tmp_path / "plans" / "p" / "layer.json", tmp_path / "target")
    assert plan.read(tmp_path / "plans" / "p" / "layer.json", tmp_path / "target") == made
    assert not (tmp_path / "target" / "plan.json").exists()
    return tmp_path / "plans" / "p" / "layer.json"


@pytest.mark.parametrize(
    "content", [None, "", "{", "[]", '{"database": "d"}', '{"database": "d", "start": 1}']
)
def test_what_can_not_be_read_is_no_plan(kept: Path, tmp_path: Path, content: str | None) -> None:
    kept.unlink()
    if content is not None:
        kept.write_text(content)
    assert plan.read(kept, tmp_path / "target") is None


@pytest.mark.parametrize("now", [None, "another project's"])
def test_the_manifest_is_that_of_the_plan(kept: Path, tmp_path: Path, now: str | None) -> None:
    manifest = tmp_path / "target" / "manifest.json"
    manifest.unlink()
    if now:
        manifest.write_text(now)
    assert plan.read(kept, tmp_path / "target")
    assert manifest.read_text() == "ours"
    assert [file.name for file in manifest.parent.iterdir()] == ["manifest.json"]


def test_a_plan_without_its_manifest_is_none(kept: Path, tmp_path: Path) -> None:
    kept.with_name("manifest.json").unlink()
    assert plan.read(kept, tmp_path / "target") is None


def test_plans_of_the_oldest_projects_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "KEPT", 2)
    (tmp_path / "manifest.json").write_text("{}")
    for age, name in enumerate(("c", "b", "a")):
        (tmp_path / "made").write_text(name)
        plan.keep(tmp_path / "made", tmp_path / "plans" / name / "layer.json", tmp_path)
        os.utime(tmp_path / "plans" / name, (age, age))
    assert sorted(project.name for project in (tmp_path / "plans").iterdir()) == ["a", "b"]
