"""A landing zone in a bucket or on a server: the same rows as from a folder, and nothing fetched twice."""

from __future__ import annotations

import datetime as dt
import errno
import gzip
import hashlib
import itertools
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from revlog.config.settings import ROOT, process_environment
from revlog.contracts.contract import feeds, load_contract
from revlog.ingestion import storage
from revlog.ingestion.landing import discover
from revlog.ingestion.unclaimed import sweep
from revlog.night import stages
from revlog.night.errors import ConnectionBroken
from simulator.company import Company
from simulator.habits import DENSE
from simulator.run import simulate
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
from tests.integration.storages import SECRET, STORAGES, Storage, Zone, free_port, sftp
from tests.tables import Prints, fingerprints

NAME = f"{FEED}_20260131.csv"
PLACE = f"erp/{NAME}"
_numbers = itertools.count(1)


@pytest.fixture(scope="module", params=list(STORAGES))
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storage]:
    with STORAGES[request.param](tmp_path_factory.mktemp(request.param)) as found:
        yield found


@pytest.fixture()
def place(server: Storage, database: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Zone]:
    """A landing zone; the warehouse is that of other tests, too."""
    yield _zone(server, monkeypatch)
    server.denied.clear()
    storage.forget()


@pytest.fixture()
def zone(fresh_database: Path, place: Zone, monkeypatch: pytest.MonkeyPatch) -> Zone:
    """A landing zone, and an empty warehouse."""
    monkeypatch.setenv("LANDING_URL", place.url)
    return place


def _zone(server: Storage, patch: pytest.MonkeyPatch) -> Zone:
    """A landing zone of this test's own, which the settings name."""
    found = Zone(server, f"landing-{next(_numbers)}")
    for name, value in {**server.environment, "LANDING_URL": found.url}.items():
        patch.setenv(name, value)
    return found


def _put(zone: Zone, *rows: str, name: str = NAME) -> None:
    zone.write(f"erp/{name}", (HEADER + "".join(rows)).encode())
    zone.write(f"erp/{name}.done", b"")


def test_the_same_comes_in_as_from_a_folder(zone: Zone) -> None:
    _put(zone, sale("A"), sale("B"), sale("C", amount="x"))
    packed = gzip.compress((HEADER + sale("D")).encode())
    zone.write(f"erp/{FEED}_20260130.csv.gz", packed)
    zone.write(f"erp/{FEED}_20260130.csv.gz.done", b"")
    zone.write("erp/stray.bin", b"?")
    zone.write(f"old/2025/{FEED}_20250131.csv", b"?")
    load()
    assert winners() == {"A": 1, "B": 1, "D": 1}
    assert query("select reason, count(*) from ops.quarantine group by reason") == [("not_a_number", 1)]
    assert {found.lying.path: found.kind.value for found in sweep(DAY)} == {
        "erp/stray.bin": "unknown", "old": "folder", f"old/2025/{FEED}_20250131.csv": "other_folder",
    }  # fmt: skip
    assert load().files == [], "a second run does nothing"
    # Hashes of the files' own contents, worked out here.
    contents = {HEADER + sale("A") + sale("B") + sale("C", amount="x"), HEADER + sale("D")}
    assert {h for (h,) in query("select content_sha256 from ops.file_ledger")} == {
        hashlib.sha256(c.encode()).hexdigest() for c in contents
    }
    assert SECRET not in everything()


def test_a_file_that_leaves_is_put_whole_and_the_same_is_not_put_again(place: Zone) -> None:
    place.write("there.txt", b"so that the folder is there")
    for content in (b"one", b"one", b"other"):
        storage.put(place.url, "told.csv", content)
        filesystem, root = storage._filesystem(place.url)
        filesystem.invalidate_cache()
        assert filesystem.cat_file(f"{root}/told.csv") == content
        assert sorted(name.rsplit("/", 1)[-1] for name in filesystem.ls(root, detail=False)) == [
            "there.txt", "told.csv",
        ]  # fmt: skip
    assert not [line for line in place.asked if "COPY" in line.split(" ")[0]]


def test_a_folder_or_bucket_that_is_not_there_is_not_made(place: Zone) -> None:
    is_bucket = not place.url.startswith("sftp")
    url = place.url.replace("company", "company-gone") if is_bucket else f"{place.url}/gone"
    with pytest.raises(storage.StorageError, match=r"the destination .* (is not there|has no such folder)"):
        storage.put(url, "told.csv", b"one")


def test_a_corrected_file_of_the_same_size_replaces_what_it_brought(zone: Zone) -> None:
    _put(zone, sale("A"), sale("B"))
    load()
    time.sleep(1.1)  # most storages tell whole seconds, and the later file wins
    _put(zone, sale("A", quantity=3), sale("B"))
    load()
    assert (winners(), statuses()) == ({"A": 3, "B": 1}, {NAME: ["superseded", "loaded"]})


def test_no_file_is_fetched_twice_and_listings_do_not_grow_with_the_files(zone: Zone) -> None:
    names = [f"{FEED}_20260131_{number:02}.csv" for number in range(12)]
    for name in names[:2]:
        _put(zone, sale(name), name=name)
    zone.asked.clear()
    load()
    assert [zone.gets(name) for name in names[:2]] == [1, 1]
    for name in names[2:]:
        _put(zone, sale(name), name=name)
    for folder in range(20):
        zone.write(f"of_others/{folder}/rows.csv", b"1")
    load()
    zone.asked.clear()
    load()
    assert zone.listings() == 2, "one of the feed's folder, one of the zone itself, however much lies there"
    assert zone.gets() == 0, "what the ledger has seen is not opened"


def test_a_file_that_is_replaced_while_it_is_read_is_read_again(
    zone: Zone, monkeypatch: pytest.MonkeyPatch
) -> None:
    _put(zone, sale("A"))
    fetch = storage._fetched

    def replaced(filesystem: object, path: str) -> object:
        found = fetch(filesystem, path)
        monkeypatch.setattr(storage, "_fetched", fetch)
        _put(zone, sale("B"), sale("C"))
        return found

    monkeypatch.setattr(storage, "_fetched", replaced)
    load()
    assert winners() == {"B": 1, "C": 1}
    content = (HEADER + sale("B") + sale("C")).encode()
    assert query("select content_sha256 from ops.file_ledger") == [(hashlib.sha256(content).hexdigest(),)]


def test_a_file_that_vanishes_is_refused_and_its_neighbour_loads(
    zone: Zone, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = f"{FEED}_20260130.csv"
    _put(zone, sale("A"), name=gone)
    _put(zone, sale("B"))
    fetch = storage._fetched

    def vanished(filesystem: object, path: str) -> object:
        if path.endswith(gone):
            zone.remove(f"erp/{gone}")
            monkeypatch.setattr(storage, "_fetched", fetch)
        return fetch(filesystem, path)  # type: ignore[arg-type]

    monkeypatch.setattr(storage, "_fetched", vanished)
    load()
    assert (winners(), statuses()) == ({"B": 1}, {gone: ["rejected"], NAME: ["loaded"]})
    [(reason,)] = query("select reason from ops.file_ledger where status = 'rejected'")
    assert "it went away before it was read; deliver it again" in reason


def test_a_file_that_may_not_be_read_is_refused_its_neighbour_loads_and_it_comes_in_later(zone: Zone) -> None:
    closed = f"{FEED}_20260130.csv"
    _put(zone, sale("A"), name=closed)
    _put(zone, sale("B"))
    zone.storage.denied.add(closed)
    load()
    assert (winners(), statuses()) == ({"B": 1}, {closed: ["rejected"], NAME: ["loaded"]})
    [(reason,)] = query("select reason from ops.file_ledger where status = 'rejected'")
    assert "the loader may not read it; give its user the right to" in reason
    zone.storage.denied.clear()
    load()
    assert winners() == {"A": 1, "B": 1}


def test_a_file_without_marker_is_looked_at_twice(zone: Zone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANDING_SETTLE_SECONDS", "0")
    zone.write(PLACE, (HEADER + sale("A")).encode())
    zone.asked.clear()
    load()
    assert winners() == {"A": 1}
    assert zone.listings() == 4


def test_a_download_has_no_name_and_each_reading_a_place_of_its_own(
    place: Zone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = tmp_path / "spool"
    spool.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(spool))
    _put(place, sale("A"))
    [file] = discover(load_contract(FEED), DAY)
    with file.open() as one, file.open() as other:
        assert one.read(10) == other.read(10) == HEADER[:10].encode()
        assert one.seek(-1, 2) and one.read() == b"\n"
    place.storage.denied.add(NAME)
    storage.forget()
    with pytest.raises(PermissionError):
        file.open()
    assert list(spool.iterdir()) == [], "nor does anything stay after one that failed"


@pytest.mark.parametrize("server", ["s3"], indirect=True)
def test_a_file_of_a_storage_can_be_previewed(place: Zone) -> None:
    _put(place, sale("A"), sale("B", amount="x"))
    done = _command("ingestion", "preview", f"{place.url}/{PLACE}")
    assert "2 rows: 1 load, 1 are quarantined" in done.stdout, done.stderr
    missing = _command("ingestion", "preview", f"{place.url}/erp/none.csv")
    assert (missing.returncode, missing.stdout) == (1, "")
    assert missing.stderr.startswith("there is no file ") and len(missing.stderr.splitlines()) == 1


def test_older_downloads_give_way_to_newer_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "KEPT_BYTES", 25)

    class Files:
        protocol = "memory"

        def get_file(self, path: str, target: str) -> None:
            fetched.append(path)
            Path(target).write_bytes(b"x" * 10)

    fetched: list[str] = []
    downloads = storage._Downloads()
    for path in ("a", "b", "a", "c", "b", "a"):
        with downloads.opened(Files(), path, "10") as file:
            assert len(file.read()) == 10
    # Three don't fit: `b`, the one that was not read for the longest, gave way to `c`, and then `a` to `b`.
    assert fetched == ["a", "b", "c", "b", "a"]


def test_a_full_disk_is_told_as_one_and_the_night_tries_again() -> None:
    told = pytest.raises(ConnectionBroken, match="is full; free space")
    with told, stages.translated(), storage.reached("s3://company/landing"):
        raise OSError(errno.ENOSPC, "No space left on device")


# -- what is wrong with the storage itself: the command says it in one line, and soon


def _command(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "revlog", *words],
        cwd=ROOT, env=process_environment() | {"DAYS_PAST_NEWEST_FILE": "9"},
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def _told(expected: str) -> None:
    done = _command("load", str(DAY), "--feed", FEED)
    assert done.returncode == 1
    assert expected in done.stderr and SECRET not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr and len(done.stderr.strip().splitlines()) == 1, done.stderr


def test_a_bucket_or_folder_that_is_not_there_is_told(place: Zone, monkeypatch: pytest.MonkeyPatch) -> None:
    is_bucket = not place.url.startswith("sftp")
    monkeypatch.setenv("LANDING_URL", place.url.replace("company", "another"))
    _told("no such bucket" if is_bucket else "no such folder")


# Google's and Azure's libraries try for half a minute and longer.
@pytest.mark.parametrize("server", ["s3", "sftp"], indirect=True)
def test_a_server_that_does_not_answer_is_told(place: Zone, monkeypatch: pytest.MonkeyPatch) -> None:
    dead = f"127.0.0.1:{free_port()}"
    if place.url.startswith("s3"):
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{dead}")
    else:
        monkeypatch.setenv("LANDING_URL", f"sftp://landing@{dead}/landing")
    _told("does not answer; look at host, port and network")


@pytest.fixture()
def on_sftp(database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Zone]:
    with sftp(tmp_path) as server:
        yield _zone(server, monkeypatch)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("SFTP_PASSWORD", "another-password", "refuses the login"),
        ("SFTP_KNOWN_HOSTS", "/nowhere", "the host key of the SFTP server is not known: /nowhere is missing"),
    ],
)
def test_a_login_or_host_key_that_is_wrong_is_told(
    on_sftp: Zone, monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    monkeypatch.setenv(name, value)
    _told(told)


def test_a_host_key_that_changed_is_not_trusted(on_sftp: Zone, tmp_path: Path) -> None:
    from asyncssh import generate_private_key

    known = tmp_path / "known_hosts"
    other = generate_private_key("ssh-ed25519").export_public_key().decode()
    known.write_text(f"{known.read_text().split(' ', 1)[0]} {other}")
    _told("another host key")


@pytest.mark.parametrize(
    "url", [f"sftp://landing:{SECRET}@127.0.0.1/landing", f"s3://company/x?key={SECRET}"]
)
def test_a_url_that_holds_a_key_is_refused(database: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("LANDING_URL", url)
    _told("LANDING_URL holds a password or a key")


def test_another_kind_of_storage_is_refused(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANDING_URL", "ftp://127.0.0.1/landing")
    _told("files are read from a folder, s3://, gs://, abfs:// or sftp://, not from ftp://")


# -- a whole company


@dataclass(frozen=True)
class Loaded:
    """What the feeds of a company brought."""

    raw: Prints
    ledger: list[tuple[Any, ...]]
    unclaimed: list[str]


def _load_all() -> Loaded:
    for feed in feeds():
        load(feed)
    unclaimed = [str(found) for found in sweep(DAY)]
    ledger = query(
        "select feed, name, content_sha256, status, reason, rows_loaded, rows_quarantined"
        " from ops.file_ledger order by 1, 2, 3"
    )
    return Loaded(fingerprints("raw"), ledger, sorted(unclaimed))


@pytest.fixture(scope="module")
def from_folder(database: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Loaded]:
    """The exports of a small company with what is wrong in them, loaded from a folder."""
    simulate(
        Company(
            out=database, truth=tmp_path_factory.mktemp("truth"), order_lines=100, seed=3,
            start=dt.date(2025, 12, 1), history_end=DAY, nights=0, dirt=1.0, habits=DENSE,
        )
    )  # fmt: skip
    return database, _load_all()


# One storage is enough here: what differs between them is above.
@pytest.mark.parametrize("server", ["s3"], indirect=True)
def test_every_feed_brings_the_same_as_from_a_folder_and_each_file_is_fetched_once(
    from_folder: tuple[Path, Loaded], zone: Zone
) -> None:
    folder, expected = from_folder
    zone.put(folder)
    zone.asked.clear()
    assert _load_all() == expected
    files = [f"{p.parent.name}/{p.name}" for p in folder.rglob("*") if p.is_file() and p.suffix != ".done"]
    assert len(files) > 20
    assert {name: times for name in files if (times := zone.gets(name)) != 1} == {}
    zone.asked.clear()
    assert _load_all() == expected
    assert zone.gets() == 0, "a second night fetches nothing"
