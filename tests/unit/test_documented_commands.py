"""What the documentation tells people to run exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer
import yaml

from warehouse.__main__ import app
from warehouse.backup import settings_of_figures

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
# Code in a line, and lines of blocks of code.
CODE = re.compile(r"`([^`\n]+)`|^(?:\$ )?((?:make|docker compose|PYTHONPATH=\.) .*|    python .*)$", re.M)


def _code(page: Path) -> list[str]:
    return [first or second for first, second in CODE.findall(page.read_text())]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_target_of_make_that_is_named_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    named = {name for code in _code(page) for name in re.findall(r"\bmake(?: -s)? ([a-z-]+)", code)}
    assert named <= targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_command_of_the_warehouse_that_is_named_exists(page: Path) -> None:
    group = typer.main.get_command(app)
    known: dict[str, set[str]] = {
        name: {
            option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)
        }
        for name, command in group.commands.items()  # type: ignore[attr-defined]  # a group has them
    }
    for code in _code(page):
        for name, rest in re.findall(r"python -m warehouse ([a-z-]+)([^#|&]*)", code):
            assert name in known, code
            assert set(re.findall(r"--[a-z-]+", rest)) <= known[name], code


def test_the_service_of_compose_that_runs_the_warehouses_commands_reaches_it() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    text = (ROOT / "docs" / "how-to" / "docker.md").read_text()
    named = re.findall(r"(\S+)(?: \\\n)? +python -m warehouse", text)
    assert len(named) >= 2
    for name in named:
        # A backup keeps the settings that figures hang on.
        known = services[name]["environment"].keys()
        assert {"WAREHOUSE_DSN", *settings_of_figures()} <= known, name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_command_that_is_named_holds_a_password(page: Path) -> None:
    """Everyone on the machine sees the arguments of a process; what is set in a shell only its owner."""
    blocks = re.findall(r"^```bash\n(.*?)^```", page.read_text(), re.M | re.S)
    lines = [line for block in blocks for line in block.splitlines() if not line.startswith("export ")]
    # An address may be shown, but not be put into another command.
    told = r"(?i)PGPASSWORD=|--password|://[^/\s]+:[^/\s]+@|\$\([^)]*\bdsn\b"
    assert [line for line in (*lines, *_code(page)) if re.search(told, line)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_link_leads_to_a_page_and_section_that_exist(page: Path) -> None:
    for text, target in re.findall(r"\[([^\]]+)\]\((?!https?:)([^)\s]+)\)", page.read_text()):
        path, _, anchor = target.partition("#")
        other = (page.parent / path).resolve() if path else page
        assert other.exists(), f"[{text}]({target})"
        if anchor:
            assert anchor in _anchors(other), f"[{text}]({target})"


def _anchors(page: Path) -> set[str]:
    """Sections as pages on the web name them: small letters, hyphens for blanks, nothing else."""
    heads = re.findall(r"^#+ (.+)$", page.read_text(), re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}
