"""What `make clean` and `make clean-warehouse` remove, and what they don't without being told by name."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from revlog.config.secrets import secrets_file
from revlog.config.settings import ROOT
from revlog.database import server
from revlog.database.connections import connect
from revlog.ingestion.load import load_feed
from revlog.local.clean import SIMULATED, NotRemoved, clean_warehouse
from revlog.maintenance.migrate import upgrade
from tests.integration.ingestion_landing import DAY, FEED, sale, sales


@pytest.fixture()
def var(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A warehouse of its own with a file loaded, a customer erased, and a key."""
    monkeypatch.setenv("REVLOG_VAR", str(tmp_path / "var"))
    monkeypatch.setenv("REVLOG_PORT", "0")
    monkeypatch.setenv("REVLOG_DATABASE", "warehouse")
    for name in ("WAREHOUSE_DSN", "LANDING_URL", "COMPANY"):
        monkeypatch.setenv(name, "")
    upgrade()
    (tmp_path / "var" / "landing").mkdir()
    sales(tmp_path / "var" / "landing", "20260131", sale("A"))
    load_feed(FEED, DAY)
    yield tmp_path / "var"
    server.destroy()


def test_what_can_not_be_made_again_must_be_named(var: Path) -> None:
    with connect("admin") as connection:
        connection.execute("insert into ops.erasures (customer_id, reason) values (repeat('0', 32), 'asked')")
    with pytest.raises(NotRemoved) as told:
        clean_warehouse("database,key")
    assert "Not named: erasures, landing-zone." in str(told.value)
    assert "CONFIRM=database,erasures,key,landing-zone" in str(told.value)
    assert (server.is_running(), secrets_file().exists()) == (True, True)
    assert clean_warehouse("database,erasures,key,landing-zone") == (
        "removed: database, erasures, key, landing-zone"
    )
    assert (server.exists(), secrets_file().exists(), (var / "landing").exists()) == (False, False, False)


def test_a_warehouse_of_the_simulated_company_alone_goes_at_once(var: Path) -> None:
    names = [path.name for path in (var / "landing").rglob("*") if path.is_file()]
    (var / SIMULATED).write_text("\n".join(["400 7 1", *names]))
    assert clean_warehouse("").startswith("removed: database")


def test_one_file_of_another_company_must_be_named(var: Path) -> None:
    (var / SIMULATED).write_text("400 7 1\nanother_file.csv")
    with pytest.raises(NotRemoved, match="landing-zone"):
        clean_warehouse("")


def test_a_server_of_ones_own_is_not_touched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAREHOUSE_DSN", "postgresql://admin@db.example.org/warehouse")
    with pytest.raises(NotRemoved, match="drop its database there"):
        clean_warehouse("database,key,landing-zone")


def test_make_clean_leaves_the_warehouse_and_its_key(tmp_path: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    kept = ("var/secrets.json", "var/landing/erp/a.csv", "var/postgres/data/PG_VERSION", "var/finance/a.xlsx")
    gone = (".venv/a", "var/reports/a.html", "var/pages/a.html", ".pytest_cache/a")
    for name in kept + gone:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    subprocess.run(["make", "clean"], cwd=tmp_path, env=os.environ, check=True, capture_output=True)
    assert [name for name in kept if not (tmp_path / name).exists()] == []
    assert [name for name in gone if (tmp_path / name).exists()] == []
