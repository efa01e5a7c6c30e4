"""What the documentation tells people to run exists."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from revlog.commands.app import app
from revlog.maintenance.backup import settings_of_figures

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
# Code in a line, and lines of blocks of code.
LINE = r"^(?:\$ )?((?:make|docker compose|\.venv/bin/revlog|revlog) .*|    (?:python|revlog) .*)$"
CODE = re.compile(r"`([^`\n]+)`|" + LINE, re.M)


def _code(page: Path) -> list[str]:
    return [first or second for first, second in CODE.findall(page.read_text())]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_target_of_make_that_is_named_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    named = {name for code in _code(page) for name in re.findall(r"\bmake(?: -s)? ([a-z-]+)", code)}
    assert named <= targets


def _options(command: Any) -> set[str]:
    return {o for parameter in command.params for o in (*parameter.opts, *parameter.secondary_opts)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_command_of_revlog_that_is_named_exists(page: Path) -> None:
    revlog: Any = typer.main.get_command(app)
    for code in _code(page):
        for words in re.findall(r"(?<![\w/-])(?:\.venv/bin/)?revlog ([a-z][^#|&:]*)", code):
            name, *rest = words.split()
            part = revlog.get_command(None, name)
            assert part, code
            # All but `write` is MetricFlow's, what is behind `local airflow` Airflow's.
            if name == "metrics" or [name, *rest[:1]] == ["local", "airflow"]:
                continue
            if hasattr(part, "commands") and rest and not rest[0].startswith(("-", "…", "SUB")):
                assert rest[0] in part.commands, code
                part = part.commands[rest[0]]
            assert set(re.findall(r"--[a-z-]+", words)) <= {*_options(part), "--help"}, code


def test_the_service_of_compose_that_runs_the_warehouses_commands_reaches_it() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    text = (ROOT / "docs" / "how-to" / "docker.md").read_text()
    named = re.findall(r"(\S+)(?: \\\n)? +revlog warehouse", text)
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
