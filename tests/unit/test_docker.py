"""The Docker set-up as text: what it opens, what it asks for, and that what it calls exists."""

from __future__ import annotations

import ast
import grp
import json
import os
import re
import runpy
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from dotenv import dotenv_values

from revlog.database.connections import READERS, ROLES, STAGE_ROLES

ROOT = Path(__file__).parents[2]
COMPOSE = (ROOT / "docker-compose.yml").read_text()
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE)["services"]
# ${NAME}, ${NAME:-default}, ${NAME:?message}
VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")
SECRET = re.compile(r"PASSWORD|SECRET|FERNET|KEY")
# Secrets of channels that need not be used: empty unless set.
OPTIONAL = {"NOTIFY_SMTP_PASSWORD"}
# What a bucket or server of the landing zone wants; init alone is given it.
OF_STORAGE = set(re.findall(r"\$\{((?:AWS|AZURE|GOOGLE|SFTP)_\w+):-\}", COMPOSE))
LATER = "service_completed_successfully"


def _one_shot(name: str) -> bool:
    """It ends by itself, and others wait until it has."""
    waits = (s.get("depends_on", {}).get(name, {}).get("condition") for s in SERVICES.values())
    return SERVICES[name]["restart"] == "no" and LATER in waits


def _dockerignored() -> list[str]:
    """What .dockerignore lets in."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    return [line[1:] for line in lines if line.startswith("!")]


def _airflow_commands() -> list[list[str]]:
    """Every `airflow …` that compose, the image's start and the Dockerfile run."""
    commands = [s["command"] for s in SERVICES.values() if s["command"][0] == "airflow"]
    for line in (ROOT / "docker" / "initialise.sh").read_text().splitlines():
        if line.startswith("airflow "):
            commands.append(shlex.split(line.split(" > ")[0]))
    return commands


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_a_health_check_or_ends_by_itself(name: str) -> None:
    assert SERVICES[name].get("healthcheck", {}).get("test") or _one_shot(name)


def test_the_pipeline_runs_as_four_processes_after_a_database_and_its_set_up() -> None:
    assert set(SERVICES) == {
        "postgres", "init", "api-server", "scheduler", "dag-processor", "triggerer", "superset",
    }  # fmt: skip
    for name in ("api-server", "scheduler", "dag-processor", "triggerer", "superset"):
        assert SERVICES[name]["depends_on"]["init"]["condition"] == LATER
        assert SERVICES[name]["restart"] == "unless-stopped"


def test_superset_runs_where_it_is_asked_for_and_holds_no_more_than_the_readers_logins() -> None:
    assert {name for name, service in SERVICES.items() if "profiles" in service} == {"superset"}
    superset = SERVICES["superset"]
    assert superset["volumes"] == [
        "superset:/var/lib/superset", "superset-secrets:/run/revlog/superset:ro",
    ]  # fmt: skip
    assert set(superset["environment"]) == {"BI_ADDRESS", "BI_CURRENCY", "BI_LOGINS"}
    dockerfile = (ROOT / "bi" / "Dockerfile").read_text()
    (made,) = re.findall(r"groupadd --gid (\d+) superset", dockerfile)
    assert f"groupadd --gid {made} superset" in (ROOT / "Dockerfile").read_text()
    assert dockerfile.index("USER superset") > dockerfile.index("useradd")
    assert dockerfile.count("--require-hashes") == 2 and "index-url" not in dockerfile


def test_ports_are_open_on_loopback_only() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert len(ports) == 3
    assert all(port.startswith("127.0.0.1:") for port in ports)
    assert not any(s.get("network_mode") for s in SERVICES.values())


def test_no_secret_has_a_default() -> None:
    found = {name: kind for name, kind, _ in VARIABLE.findall(COMPOSE) if SECRET.search(name)}
    assert len(found) >= 12
    assert {name for name, kind in found.items() if kind != "?"} - OF_STORAGE == OPTIONAL


@pytest.mark.parametrize("name", SERVICES)
def test_no_secret_is_written_into_the_file(name: str) -> None:
    for variable, value in SERVICES[name].get("environment", {}).items():
        if SECRET.search(variable) and not variable.endswith("_CMD") and variable != "REVLOG_SECRETS":
            assert VARIABLE.fullmatch(str(value)), variable
        assert not re.search(r"://\w+:(?!\$\{)[^@]*@", str(value)), f"{variable} holds a password"


def test_only_the_processes_that_run_tasks_reach_the_warehouse() -> None:
    reach = {n for n, s in SERVICES.items() if "WAREHOUSE_DSN" in s.get("environment", {})}
    assert reach == {"init", "scheduler"}
    held = {n for n, s in SERVICES.items() if any("warehouse-secrets:" in v for v in s.get("volumes", []))}
    assert held == {"init", "scheduler"}


def test_init_alone_holds_secrets_in_its_environment() -> None:
    for name in set(SERVICES) - {"init", "postgres"}:
        texts = [str(value) for value in SERVICES[name]["environment"].values()]
        found = {variable for variable, _, _ in VARIABLE.findall("\n".join(texts)) if SECRET.search(variable)}
        assert found == (set() if name == "superset" else OPTIONAL), name
    dsn = SERVICES["scheduler"]["environment"]["WAREHOUSE_DSN"]
    assert dsn == "postgresql://postgres:5432/warehouse", "an address, without a login"


def test_what_the_landing_zones_storage_wants_is_given_to_init_alone() -> None:
    assert {"AWS_SECRET_ACCESS_KEY", "AZURE_STORAGE_ACCOUNT_KEY", "SFTP_PASSWORD"} < OF_STORAGE
    for name, service in SERVICES.items():
        assert (OF_STORAGE & service.get("environment", {}).keys()) == (
            OF_STORAGE if name == "init" else set()
        )


def test_every_role_of_a_stage_is_a_user_of_the_image_who_may_become_nobody() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    (made,) = re.findall(r"for role in ([a-z ]+); do", dockerfile)
    assert made.split() == list(STAGE_ROLES)
    rules = [line for line in (ROOT / "docker" / "sudoers").read_text().splitlines() if "ALL=" in line]
    assert rules == [f"revlog ALL=({','.join(STAGE_ROLES)}) NOPASSWD:SETENV: ALL"]
    assert dockerfile.index("USER revlog") > dockerfile.index("useradd")


def test_a_secret_is_handed_out_to_the_group_of_its_role(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Groups are numbers of the image; here every one of them is this process's own."""
    hand_out = runpy.run_path(str(ROOT / "docker" / "hand_out_secrets.py"))
    given: dict[str, int | None] = {}
    group = grp.getgrgid(os.getgid())
    monkeypatch.setattr(grp, "getgrnam", lambda name: given.update({name: group.gr_gid}) or group)
    monkeypatch.setitem(hand_out["main"].__globals__, "ROOT", tmp_path)
    for folder in ("warehouse", "airflow", "superset"):
        (tmp_path / folder).mkdir()
    names = [f"REVLOG_PASSWORD_{role.upper()}" for role in ROLES]
    names += ["REVLOG_SECRET_CUSTOMER_KEY", *hand_out["AIRFLOW"].values(), *hand_out["SUPERSET"].values()]
    for name in names:
        monkeypatch.setenv(name, f"the value of {name}")
    for name in [name for name in os.environ if name.startswith(hand_out["CREDENTIALS"])]:
        monkeypatch.delenv(name)
    odd = "it's a \\\\ and a # \\' of ${HOME}"
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", odd)
    monkeypatch.setenv("SFTP_PASSWORD", "")
    monkeypatch.setenv("OUTBOUND_TO_WMS_WORKLIST", "s3://dock/inbox")
    for _ in range(2):
        hand_out["main"]()
    supersets = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.glob("superset/*")}
    assert supersets == dict.fromkeys(hand_out["SUPERSET"], 0o440)
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.glob("[!s]*/*")}
    assert modes == {
        **dict.fromkeys((*STAGE_ROLES, "customer_key", "storage.env", "outbound.env"), 0o440),
        **dict.fromkeys((*READERS, *hand_out["AIRFLOW"]), 0o400),
    }
    assert set(given) == {*STAGE_ROLES, "customer_key", "superset"}
    handed = dotenv_values(tmp_path / "warehouse" / "storage.env", interpolate=False)
    assert handed == {"AWS_SECRET_ACCESS_KEY": odd}
    told = dotenv_values(tmp_path / "warehouse" / "outbound.env", interpolate=False)
    assert told == {"AWS_SECRET_ACCESS_KEY": odd, "OUTBOUND_TO_WMS_WORKLIST": "s3://dock/inbox"}
    loader = (tmp_path / "warehouse" / "loader").read_text()
    assert loader == "the value of REVLOG_PASSWORD_LOADER", "and no line break, which Airflow would keep"


def test_new_settings_are_all_that_is_asked_for_and_differ_each_time() -> None:
    required = {name for name, kind, _ in VARIABLE.findall(COMPOSE) if kind == "?"}
    made = [
        dict(line.split("=", 1) for line in _printed_by("docker/new-env.sh").splitlines()) for _ in range(2)
    ]
    assert set(made[0]) == required
    secrets = [name for name in made[0] if SECRET.search(name)]
    assert all(made[0][name] != made[1][name] and len(made[0][name]) >= 32 for name in secrets)
    # Passwords stand in URLs.
    assert all(re.fullmatch(r"[\w-]+", made[0][name]) for name in secrets if "PASSWORD" in name)


def _printed_by(script: str) -> str:
    done = subprocess.run(["sh", script], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout


def test_every_base_image_is_a_build_argument_with_a_public_default() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert set(re.findall(r"^FROM (\S+)", dockerfile, re.M)) == {"${PYTHON_BASE}"}
    assert "ARG PYTHON_BASE=python:3.12-slim-bookworm" in dockerfile
    assert SERVICES["init"]["build"]["args"]["PYTHON_BASE"] == "${PYTHON_BASE:-python:3.12-slim-bookworm}"
    assert SERVICES["postgres"]["image"] == "${POSTGRES_BASE:-postgres:18}"


def test_packages_come_from_the_lock_with_hashes_and_from_no_named_host() -> None:
    text = (ROOT / "Dockerfile").read_text()
    assert text.count("--require-hashes") == 2
    files = [ROOT / "Dockerfile", ROOT / "docker-compose.yml", *(ROOT / "docker").rglob("*.*")]
    for file in (f for f in files if f.is_file() and f.suffix != ".pyc"):
        assert "index-url" not in file.read_text(), file


def test_data_and_state_outlive_the_containers() -> None:
    assert {"database", "state"} <= set(yaml.safe_load(COMPOSE)["volumes"])
    assert "database:/var/lib/postgresql" in SERVICES["postgres"]["volumes"]
    for name in set(SERVICES) - {"postgres", "superset"}:
        assert "state:/var/lib/revlog" in SERVICES[name]["volumes"]


def test_the_image_holds_what_its_code_imports() -> None:
    inside = {name for name in _dockerignored() if (ROOT / name).is_dir()} - {"docs", "docker"}
    own = {path.parent.name: path.relative_to(ROOT).parts[0] for path in ROOT.glob("*/__init__.py")}
    own |= {path.parent.name: "src" for path in ROOT.glob("src/*/__init__.py")}
    for folder in sorted(inside):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ImportFrom) and node.module:
                    top = node.module.split(".")[0]
                    assert own.get(top, "src") in inside, f"{path} imports {node.module}"


def test_no_secret_and_nothing_made_at_run_time_enters_the_image() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert next(line for line in lines if not line.startswith("#")) == "*"
    assert not {"var", ".env", ".git", ".venv", "tests"} & set(_dockerignored())
    assert "**/.env" in lines


@pytest.mark.parametrize("name", SERVICES)
def test_the_scripts_that_a_service_runs_are_in_the_image(name: str) -> None:
    words = [*SERVICES[name]["command"], *SERVICES[name].get("healthcheck", {}).get("test", [])]
    for word in words:
        if word.startswith("docker/"):
            assert (ROOT / word).is_file()
            assert f"docker/*{Path(word).suffix}" in _dockerignored()


# In a process of its own: Airflow reads AIRFLOW_HOME when it is imported.
ASK_AIRFLOW = """
import json, sys
from airflow.cli import cli_parser
from airflow.configuration import conf
asked = json.loads(sys.argv[1])
parser = cli_parser.get_parser()
for command in asked["commands"]:
    parser.parse_args(command[1:])
known = {
    f"AIRFLOW__{section}__{option}".upper()
    for section, found in conf.configuration_description.items() for option in found["options"]
}
print(json.dumps(sorted(set(asked["settings"]) - known)))
"""


def test_airflow_knows_every_command_and_setting(tmp_path: Path) -> None:
    settings = {name.removesuffix("_CMD") for name in re.findall(r"AIRFLOW__\w+", COMPOSE)}
    settings |= set(
        re.findall(r"AIRFLOW__\w+", (ROOT / "src" / "revlog" / "local" / "airflow.py").read_text())
    )
    asked = {"commands": _airflow_commands(), "settings": sorted(settings)}
    assert len(asked["commands"]) >= 6
    done = subprocess.run(
        [sys.executable, "-c", ASK_AIRFLOW, json.dumps(asked)],
        env=os.environ | {"AIRFLOW_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout.splitlines()[-1]) == []
