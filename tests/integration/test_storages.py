"""A landing zone in a bucket or on a server: the same rows as from a folder, and nothing fetched twice."""

from __future__ import annotations

import gzip
import hashlib
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingestion import storage
from ingestion.contract import load_contract
from ingestion.landing import discover
from ingestion.unclaimed import sweep
from tests.integration.ingestion_landing import (
    DAY,
    FEED,
    HEADER,
    everything,
    load,
    query,
    sale,
    statuses,
    winners,
)
from tests.integration.storages import SECRET, STORAGES, Storage, free_port, s3, sftp
from warehouse.settings import ROOT, process_environment

NAME = f"{FEED}_20260131.csv"
PLACE = f"erp/{NAME}"


@pytest.fixture(params=list(STORAGES))
def zone(
    request: pytest.FixtureRequest, fresh_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Storage]:
    with STORAGES[request.param](monkeypatch, tmp_path) as found:
        monkeypatch.setenv("LANDING_URL", found.url)
        yield found


@pytest.fixture(params=["s3", "sftp"])
def counted(
    request: pytest.FixtureRequest, fresh_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Storage]:
    """Servers that write down what they are asked."""
    with STORAGES[request.param](monkeypatch, tmp_path) as found:
        monkeypatch.setenv("LANDING_URL", found.url)
        yield found


def _put(zone: Storage, *rows: str, name: str = NAME) -> None:
    zone.write(f"erp/{name}", (HEADER + "".join(rows)).encode())
    zone.write(f"erp/{name}.done", b"")


def test_the_same_comes_in_as_from_a_folder(
    zone: Storage, tmp_path: Path, fresh_database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _put(zone, sale("A"), sale("B"), sale("C", amount="x"))
    packed = gzip.compress((HEADER + sale("D")).encode())
    zone.write(f"erp/{FEED}_20260130.csv.gz", packed)
    zone.write(f"erp/{FEED}_20260130.csv.gz.done", b"")
    zone.write("erp/stray.bin", b"?")
    load()
    assert winners() == {"A": 1, "B": 1, "D": 1}
    assert query("select reason, count(*) from ops.quarantine group by reason") == [("not_a_number", 1)]
    assert [found.lying.path for found in sweep(DAY)] == ["erp/stray.bin"]
    assert load().files == [], "a second run does nothing"
    # Hashes of the files' own contents, worked out here.
    contents = {HEADER + sale("A") + sale("B") + sale("C", amount="x"), HEADER + sale("D")}
    assert {h for (h,) in query("select content_sha256 from ops.file_ledger")} == {
        hashlib.sha256(c.encode()).hexdigest() for c in contents
    }
    assert SECRET not in everything()


def test_a_corrected_file_replaces_what_it_brought(zone: Storage) -> None:
    _put(zone, sale("A"), sale("B"))
    load()
    time.sleep(1.1)  # SFTP and some stores tell whole seconds
    _put(zone, sale("A", quantity=3), sale("B"))
    load()
    assert (winners(), statuses()) == ({"A": 3, "B": 1}, {NAME: ["superseded", "loaded"]})


def test_no_file_is_fetched_twice_and_a_listing_does_not_grow_with_the_files(counted: Storage) -> None:
    names = [f"{FEED}_20260131_{number:02}.csv" for number in range(12)]
    for name in names[:2]:
        _put(counted, sale(name), name=name)
    counted.asked.clear()
    load()
    assert [counted.gets(name) for name in names[:2]] == [1, 1]
    counted.asked.clear()
    load()
    few = len(counted.asked)
    for name in names[2:]:
        _put(counted, sale(name), name=name)
    load()
    counted.asked.clear()
    load()
    assert len(counted.asked) == few, "one listing a folder, however many files"
    assert not any(counted.gets(name) for name in names), "what the ledger has seen is not opened"


def test_a_file_that_is_replaced_while_it_is_read_is_read_again(
    counted: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    _put(counted, sale("A"))
    fetch = storage._fetched

    def replaced(filesystem: object, path: str) -> object:
        found = fetch(filesystem, path)
        monkeypatch.setattr(storage, "_fetched", fetch)
        _put(counted, sale("B"), sale("C"))
        return found

    monkeypatch.setattr(storage, "_fetched", replaced)
    load()
    assert winners() == {"B": 1, "C": 1}


def test_a_file_that_vanishes_is_refused_and_its_neighbour_loads(
    counted: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = f"{FEED}_20260130.csv"
    _put(counted, sale("A"), name=gone)
    _put(counted, sale("B"))
    fetch = storage._fetched

    def vanished(filesystem: object, path: str) -> object:
        if path.endswith(gone):
            raise FileNotFoundError(2, "No such file", path)
        return fetch(filesystem, path)

    monkeypatch.setattr(storage, "_fetched", vanished)
    load()
    assert (winners(), statuses()[gone]) == ({"B": 1}, ["rejected"])


def test_a_file_without_marker_is_looked_at_twice(counted: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANDING_SETTLE_SECONDS", "0")
    counted.write(PLACE, (HEADER + sale("A")).encode())
    load()
    assert winners() == {"A": 1}


def _told(expected: str) -> None:
    """The command ends soon with 1 and one line that says so, without a secret."""
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "ingestion", "load", str(DAY), "--feed", FEED],
        cwd=ROOT, env=process_environment() | {"DAYS_PAST_NEWEST_FILE": "9"},
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 1
    assert expected in done.stderr and SECRET not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr and len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert time.monotonic() - started < 60


def test_a_bucket_that_is_not_there_is_told(
    fresh_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with s3(monkeypatch, tmp_path):
        monkeypatch.setenv("LANDING_URL", "s3://another/landing")
        _told("no such bucket")


def test_a_server_that_does_not_answer_is_told(
    fresh_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with s3(monkeypatch, tmp_path) as found:
        monkeypatch.setenv("LANDING_URL", found.url)
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
        _told("does not answer")


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("SFTP_PASSWORD", "another-password", "refuses the login"),
        ("SFTP_KNOWN_HOSTS", "/nowhere", "host key"),
    ],
)
def test_a_login_or_host_key_that_is_wrong_is_told(
    fresh_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    with sftp(monkeypatch, tmp_path) as found:
        monkeypatch.setenv("LANDING_URL", found.url)
        monkeypatch.setenv(name, value)
        _told(told)


def test_a_host_key_that_changed_is_not_trusted(
    fresh_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other").mkdir()
    with sftp(monkeypatch, tmp_path) as found, sftp(monkeypatch, tmp_path / "other"):
        known = (tmp_path / "other" / "known_hosts").read_text().split(" ", 1)[1]
        host = (tmp_path / "known_hosts").read_text().split(" ", 1)[0]
        (tmp_path / "wrong").write_text(f"{host} {known}")
        monkeypatch.setenv("SFTP_KNOWN_HOSTS", str(tmp_path / "wrong"))
        monkeypatch.setenv("LANDING_URL", found.url)
        _told("another host key")


@pytest.mark.parametrize(
    "url", [f"sftp://landing:{SECRET}@127.0.0.1/landing", f"s3://company/x?key={SECRET}"]
)
def test_a_url_that_holds_a_key_is_refused(
    fresh_database: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("LANDING_URL", url)
    _told("LANDING_URL holds a password or a key")


def test_a_download_has_no_name_and_each_reading_a_place_of_its_own(
    zone: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = tmp_path / "spool"
    spool.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(spool))
    _put(zone, sale("A"))
    [file] = discover(load_contract(FEED), DAY)
    with file.open() as one, file.open() as other:
        assert one.read(10) == other.read(10) == HEADER[:10].encode()
        assert one.seek(-1, 2) and one.read() == b"\n"
    assert list(spool.iterdir()) == []
