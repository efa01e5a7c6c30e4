"""One erasure: found by number or hash, as wide as the person, and held whatever is replayed."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from revlog.companies.company import warehouse_database
from revlog.config.secrets import customer_key
from revlog.config.settings import ROOT, process_environment, settings
from revlog.database import locks
from revlog.database.connections import connect
from revlog.ingestion.customer_key import UnknownCustomer, keyed_hash_of
from revlog.ingestion.erasure import NotErased, erase, uphold
from revlog.maintenance.migrate import migrate
from revlog.night import upkeep
from revlog.night.errors import NightFailed
from tests.faults.special import entry, ledger, trailer
from tests.integration.ingestion_landing import everything, load, put, query

HEADER = "customer_id,name,email,phone,country,segment,created_at,merged_into,marketing_consent\n"
CUSTOMERS, REQUESTS, CASES, ENTRIES, EVENTS = (
    "crm_customers", "crm_return_requests", "crm_cases", "erp_gl_entries", "wms_shipment_events",
)  # fmt: skip
FEEDS = (CUSTOMERS, REQUESTS, CASES, ENTRIES, EVENTS)
WORDS = ("Ada", "ada@", "+49 111", "C100")
WHY = "asked by letter of 1 February"
WITHHELD_ROW = "[withheld: personal data; see file and line]"


def person(number: str, name: str, merged_into: str = "") -> str:
    """One line of the customer file."""
    mail = f"{name.split()[0].lower()}@example.com"
    return f"{number},{name},{mail},+49 {number[1:]},DE,consumer,2024-01-01 00:00:00,{merged_into},yes\n"


ADA = "C100,Ada Secret,ada@example.com,+49 111,DE,consumer,2024-01-01 00:00:00,,yes\n"
BEN = person("C200", "Ben Other")


def request(number: int, customer: str, comment: str) -> str:
    """One line of the file of return requests."""
    at = "2026-01-31T10:00:00Z"
    row = {
        "request_id": f"Q{number}", "request_line": 1, "customer_id": customer, "quantity": 1,
        "status": "open", "comment": comment, "requested_at": at, "updated_at": at,
    }  # fmt: skip
    return json.dumps(row) + "\n"


def case(number: int, customer: str, topic: str) -> str:
    """One line of the file of cases."""
    return f"K{number},{customer},,,{topic},phone,2026-01-31T10:00:00Z,,,2026-01-31T10:00:00Z\n"


def event(number: int, **more: Any) -> str:
    """One line of the file of shipment events, a feed whose contract knows of nothing personal."""
    row = {
        "tracking_no": f"T{number}", "event_code": "delivered", "event_at": "2026-01-31T10:00:00+01:00",
        "leg": "outbound", "carrier": "DHL",
    }  # fmt: skip
    return json.dumps(row | more) + "\n"


def land(landing: Path, date: str = "20260131") -> None:
    """Files that name Ada wherever a file can."""
    cases = "case_id,customer_id,order_no,rma_no,topic,channel,opened_at,closed_at,csat,updated_at\n"
    cases += (
        case(1, "C100", "Call Ada") + case(2, "C200", "complaint") + case(3, "C200", "ada@example.com says")
    )
    requests = request(1, "C100", "It's me: Ada") + request(2, "C200", "As for Ada Secret, too small")
    requests += request(3, "C200", "Too small")
    events = event(1, recipient="Ada Secret") + event(2, recipient="Ben Other")
    # A refused row keeps what could be read of it: here her address stands where the carrier belongs.
    events += event(3, recipient="ADA SECRET", leg="sideways", carrier="ada@example.com")
    events += event(4, recipient="Ben Other", leg="sideways")
    put(landing, f"{CUSTOMERS}_{date}.csv", HEADER + ADA + BEN)
    put(landing, f"{REQUESTS}_{date}.jsonl", requests)
    put(landing, f"{CASES}_{date}.csv", cases)
    put(
        landing,
        f"{ENTRIES}_{date}.txt",
        ledger(entry(1, text="To Ada Secret"), entry(2), trailer(2, "200.40")),
    )
    put(landing, f"{EVENTS}_{date}.jsonl", events)


def load_all() -> None:
    for feed in FEEDS:
        load(feed)


@pytest.fixture()
def landing(fresh_database: Path) -> Path:
    """A landing zone whose files are loaded."""
    land(fresh_database)
    load_all()
    return fresh_database


def hashed(number: str) -> str:
    return hmac.new(customer_key(), number.encode(), hashlib.sha256).hexdigest()[:32]


def erased() -> list[str]:
    return [customer for (customer,) in query("select customer_id from ops.erasures order by 1")]


def assert_only_ben_is_named() -> None:
    # Hashes are written in letters of which a name may be made.
    text = re.sub(r"\b[0-9a-f]{32,64}\b", "", everything()).casefold()
    assert [word for word in WORDS if word.casefold() in text] == []
    assert query("select comment from raw.crm_return_requests_identity where comment is not null") == [
        ("Too small",)
    ]
    assert query("select distinct name from raw.crm_customers_identity") == [("Ben Other",)]
    assert query(
        "select distinct _extra ->> 'recipient' from raw.wms_shipment_events"
        " where _extra ->> 'recipient' <> '[withheld]'"
    ) == [("Ben Other",)]


def _show_refused_events_as_earlier_versions_did() -> None:
    """Columns that a feed does not read are withheld in refused rows by now; what was shown is there."""
    with connect("admin") as connection:
        for line, name in ((3, "ADA SECRET"), (4, "Ben Other")):
            connection.execute(
                "update ops.quarantine set raw_text = %s where feed = %s and line_no = %s",
                [event(line, recipient=name, leg="sideways").strip(), EVENTS, line],
            )


def test_who_was_erased_is_no_longer_found_by_number(landing: Path) -> None:
    asked = "select marts.customer_of('C100'), marts.customer_of(' C200 '), marts.customer_of('C999')"
    assert query(asked) == [(hashed("C100"), hashed("C200"), None)]
    assert keyed_hash_of("C100") == hashed("C100")
    erase(["C100"], WHY)
    assert query(asked) == [(None, hashed("C200"), None)]
    for number in ("C100", "C999"):
        with pytest.raises(UnknownCustomer, match="no customer of that number is known"):
            keyed_hash_of(number)


@pytest.mark.parametrize("form", ["C100", "hash"])
def test_an_erasure_reaches_every_place_and_says_what_it_found(form: str, landing: Path) -> None:
    _show_refused_events_as_earlier_versions_did()
    assert [word for word in WORDS if word not in everything()] == []
    (done,) = erase([form if form == "C100" else f"hash:{hashed('C100')}"], WHY)
    assert done.customers == erased() == [hashed("C100")]
    assert {place: n for place, n in done.erased.items() if n} == {
        "crm_customers_identity": 1,
        "crm_return_requests_identity": 1,
        "crm_return_requests_identity.comment": 1,
        "crm_cases_identity": 1,
        "crm_cases_identity.topic": 1,
        "erp_gl_entries_identity.text": 1,
        "wms_shipment_events._extra": 1,
        "ops.quarantine.raw_text": 1,
        "ops.quarantine.readable": 1,
    }
    assert {feed: n for feed, n in done.kept.items() if n} == {CUSTOMERS: 1, REQUESTS: 1, CASES: 1}
    assert "crm_return_requests_identity.comment 1" in str(done)
    assert_only_ben_is_named()
    assert query("select raw_text like '%Ben Other%', raw_text from ops.quarantine order by line_no") == [
        (False, WITHHELD_ROW), (True, event(4, recipient="Ben Other", leg="sideways").strip()),
    ]  # fmt: skip


def test_it_holds_when_the_old_files_are_loaded_anew_under_other_names(landing: Path) -> None:
    erase(["C100"], WHY)
    with connect("admin") as connection:
        tables = connection.execute(
            "select string_agg('raw.' || tablename, ', ') from pg_tables where schemaname = 'raw'"
        )
        connection.execute(f"truncate {tables.fetchone()[0]}, ops.file_ledger cascade")
    land(landing, date="20260130")
    load_all()
    assert query("select count(*) from raw.crm_return_requests") == [(3,)]
    assert_only_ben_is_named()


def test_it_holds_in_another_database_with_the_same_erasures(
    landing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    erase(["C100"], WHY)
    kept = query("select customer_id, erased_at, reason, texts from ops.erasures")
    with connect("admin", autocommit=True) as connection:
        connection.execute(f"create database {warehouse_database()}_again template template_warehouse")
    monkeypatch.setenv("REVLOG_DATABASE", f"{warehouse_database()}_again")
    migrate()
    with connect("admin") as connection:
        connection.cursor().executemany("insert into ops.erasures values (%s, %s, %s, %s)", kept)
    load_all()
    assert query("select count(*) from raw.crm_return_requests") == [(3,)]
    assert_only_ben_is_named()


def test_a_column_that_is_called_by_a_name_goes_too_and_stays_away(fresh_database: Path) -> None:
    put(fresh_database, f"{CUSTOMERS}_20260131.csv", HEADER + ADA + BEN)
    load(CUSTOMERS)
    put(fresh_database, f"{EVENTS}_20260130.jsonl", event(1, **{"ada@example.com": "x"}))
    load(EVENTS)
    (done,) = erase(["C100"], WHY)
    assert (done.erased[f"{EVENTS}._extra"], done.erased["ops.file_ledger.reason"]) == (1, 1)
    assert query("select findings -> 0 ->> 'text' from ops.file_ledger where feed = %s", EVENTS) == [
        ("[withheld]",)
    ]
    put(fresh_database, f"{EVENTS}_20260131.jsonl", event(2, **{"ada@example.com": "x"}))
    load(EVENTS)
    assert query(f"select _extra from raw.{EVENTS} order by _file_id") == [(None,), ({"no. 6": "x"},)]
    assert "ada@" not in everything()


@pytest.mark.parametrize("given", ["C999", f"hash:{'0' * 32}", "0" * 32, "hash:C100", ""])
def test_an_unknown_customer_fails_and_erases_nobody(given: str, landing: Path) -> None:
    with pytest.raises(NotErased, match="no row and no earlier erasure has"):
        erase(["C200", given], WHY)
    assert erased() == []
    with pytest.raises(NightFailed, match="nothing was erased"):
        upkeep.erase([given], WHY)
    assert query("select count(*) from raw.crm_customers_identity") == [(2,)]


def test_a_bare_hash_is_taken_for_a_number(landing: Path) -> None:
    with pytest.raises(NotErased, match="A keyed hash is written hash:"):
        erase([hashed("C100")], WHY)


def test_the_command_line_fails_where_nobody_is_found(landing: Path) -> None:
    unknown = _command("erase", "C999", "--reason", WHY)
    assert (unknown.returncode, "nothing was erased: no row" in unknown.stderr) == (1, True)
    assert "C999" not in unknown.stderr + unknown.stdout
    known = _command("erase", "C100", "--reason", WHY)
    assert known.returncode == 0, known.stderr
    assert "crm_customers_identity 1" in known.stdout
    assert str(settings().landing) in known.stdout, "what is not reached is said"


def _command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "revlog", "ingestion", *arguments],
        cwd=ROOT, env=process_environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("reason", ["request of C100", "Ada Secret asked", " "])
def test_the_reason_is_kept_and_so_names_nobody(reason: str, landing: Path) -> None:
    with pytest.raises(NotErased, match="the reason"):
        erase(["C100"], reason)
    assert erased() == []


def test_who_was_erased_before_is_known(landing: Path) -> None:
    erase(["C100"], WHY)
    (again,) = erase(["C100"], "once more")
    assert again.erased.total() == 0
    assert query("select reason from ops.erasures") == [(WHY,)]
    assert upkeep.erase([f"hash:{hashed('C100')}"], WHY).startswith(
        f"hash:{hashed('C100')}\n  erased: no row"
    )


def test_numbers_that_were_ever_merged_are_one_person(fresh_database: Path) -> None:
    chain = (
        person("C1", "A B", "C2")
        + person("C2", "C D", "C3")
        + person("C3", "E F")
        + person("C4", "G H", "C3")
    )
    put(fresh_database, f"{CUSTOMERS}_20260130.csv", HEADER + chain + person("C5", "I J"))
    load(CUSTOMERS)
    put(fresh_database, f"{CUSTOMERS}_20260131.csv", HEADER + person("C5", "I J"))
    load(CUSTOMERS)
    (done,) = erase(["C2"], WHY)
    assert set(done.customers) == set(erased()) == {hashed(f"C{n}") for n in (1, 2, 3, 4)}
    assert query("select distinct source_customer_id from raw.crm_customers_identity") == [("C5",)]


def test_a_number_that_half_the_company_was_merged_into_is_nobody(fresh_database: Path) -> None:
    rows = "".join(person(f"C{n}", f"A{n} B", "C0") for n in range(1, 30))
    put(fresh_database, f"{CUSTOMERS}_20260131.csv", HEADER + rows + person("C0", "Duplicates"))
    load(CUSTOMERS)
    with pytest.raises(NotErased, match=r"30 customer numbers are merged .* --most-numbers 30"):
        erase(["C7"], WHY)
    assert erased() == []
    assert erase(["C7"], WHY, most_numbers=30)[0].erased["crm_customers_identity"] == 30


def test_a_number_merged_later_is_kept_out_at_once_and_erased_with_the_next_maintenance(
    landing: Path,
) -> None:
    erase(["C100"], WHY)
    put(landing, f"{CUSTOMERS}_20260201.csv", HEADER + person("C300", "Ada Again", "C100"))
    load(CUSTOMERS)
    assert query("select count(*) from raw.crm_customers_identity where name like 'Ada%'") == [(0,)]
    upkeep.erase([], WHY)
    assert set(erased()) == {hashed("C100"), hashed("C300")}


def test_what_came_back_another_way_goes_again(landing: Path) -> None:
    identities = query(
        "select customer_id, name, _file_id, _line_no, _record_no from raw.crm_customers_identity"
    )
    erase(["C100"], WHY)
    with connect("admin") as connection:
        connection.cursor().executemany(
            "insert into raw.crm_customers_identity (customer_id, name, _file_id, _line_no, _record_no)"
            " values (%s, %s, %s, %s, %s)", identities,
        )  # fmt: skip
    assert "erased before, and back" in upkeep.erase([], WHY)
    assert query("select count(*) from raw.crm_customers_identity where name like 'Ada%'") == [(0,)]


def test_without_erasures_there_is_nothing_to_uphold(landing: Path) -> None:
    assert uphold() is None
    assert upkeep.erase([], WHY) == "nobody is to be erased"


def test_an_erasure_waits_for_a_load(landing: Path) -> None:
    eraser = threading.Thread(target=erase, args=(["C100"], WHY))
    with connect("admin") as loading:
        locks.take(loading, locks.feed(REQUESTS))
        eraser.start()
        eraser.join(1.5)
        assert eraser.is_alive()
        assert erased() == []
        loading.rollback()
        eraser.join(30)
    assert erased() == [hashed("C100")]
