"""What other systems are told: each event once, corrections as such, and what the contract names alone."""

from __future__ import annotations

import csv
import io
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from typer.testing import CliRunner

from revlog.commands.outbound import app
from revlog.config.settings import ROOT
from revlog.database import locks
from revlog.database.connections import connect
from revlog.ingestion.storage import StorageError, Unreached
from revlog.night import stages
from revlog.night.errors import ConnectionBroken, NightFailed
from revlog.outbound import contract as contracts
from revlog.outbound import events, posting
from revlog.outbound.send import OFF, NotTold, send
from tests.integration.ingestion_landing import query
from tests.integration.published_rows import claims, create, line, publish, received, refund
from tests.integration.receiver import Receiver, listening

RETURNS, REFUNDS = "crm_return_events", "crm_refund_events"
KEY = "Bearer of-the-receiver-alone"


@pytest.fixture(scope="module")
def published(database: Path) -> None:
    """The published tables, empty."""
    create()


@pytest.fixture(autouse=True)
def nothing_told(published: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was told or published before a test, nothing is switched on, and nobody waits between tries."""
    for name in [name for name in os.environ if name.startswith("OUTBOUND_")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(posting, "PAUSES", (0.0, 0.0))
    with connect("admin") as connection:
        connection.execute("truncate ops.outbound_ledger, ops.outbound_feeds")
        connection.execute("delete from ops.publications")
        connection.execute("truncate marts.return_tracking, marts.vendor_recovery, finance.refund_documents")


@pytest.fixture()
def crm(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """Where both feeds of the CRM go."""
    with listening() as receiver:
        monkeypatch.setenv("OUTBOUND_TO_CRM_RETURN_EVENTS", receiver.url)
        monkeypatch.setenv("OUTBOUND_TO_CRM_REFUND_EVENTS", receiver.url)
        yield receiver


@pytest.fixture()
def dock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which the WMS looks for its work."""
    folder = tmp_path / "dock"
    folder.mkdir()
    monkeypatch.setenv("OUTBOUND_TO_WMS_WORKLIST", str(folder))
    return folder


def _statuses() -> list[tuple[Any, ...]]:
    return query("select event_key, revision, status from ops.outbound_ledger order by ledger_no")


# -- once


def test_an_event_goes_once_with_its_key_and_what_the_contract_names(
    crm: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUTBOUND_AUTHORIZATION_CRM_RETURN_EVENTS", KEY)
    publish("2026-02-01", {"return_tracking": [received(product_name="Lamp <b>\n[x](http://evil)")]})
    assert send() == f"{REFUNDS} to http://127.0.0.1: nothing to tell\n{RETURNS} to http://127.0.0.1: 1 new"
    (event,) = crm.got
    assert event["text"] == "Return RMA:1: 1 received at LEJ, Lamp ‹b›\\n[x] (http: //evil)."
    assert event["data"] == {
        "return_line_key": "RMA:1", "request_id": None, "rma_no": "1", "order_no": "O1",
        "customer_id": "9e3b3007b1884fc849a503b4be017ac3", "sku": "L1",
        "product_name": "Lamp <b>\n[x](http://evil)", "site": "LEJ", "received_at": "2026-02-01T09:30:15Z",
        "received_quantity": 1,
    }  # fmt: skip
    assert (event["event"], event["happened_on"], event["business_date"]) == ("received", *["2026-02-01"] * 2)
    assert (event["change"], event["revision"], event["corrects"]) == ("new", 1, None)
    assert crm.keys == [event["event_id"]]
    assert crm.headers[0]["Authorization"] == KEY
    send()
    assert len(crm.got) == 1
    # Nothing of what was told stays here but that it was, and no key of anybody.
    kept = query("select row_to_json(l)::text from ops.outbound_ledger as l")[0][0]
    assert "Lamp" not in kept and "9e3b3007" not in kept and "of-the-receiver" not in kept


def test_a_rebuild_of_the_same_figures_tells_nothing(crm: Receiver) -> None:
    rows = {"return_tracking": [received(), line("RMA:2")], "refund_documents": [refund()]}
    publish("2026-02-01", rows)
    send()
    told = len(crm.got)
    publish("2026-02-02", rows)
    # Nor do columns that the clock moves and the contract leaves out.
    publish("2026-02-03", {"return_tracking": [{**received(), "days_in_status": 9}, line("RMA:2")]})
    send()
    assert told == 2 and len(crm.got) == told


def test_a_corrected_refund_sends_one_correction_that_says_what_it_corrects(crm: Receiver) -> None:
    publish("2026-02-01", {"refund_documents": [refund(), refund("R2")]})
    send([REFUNDS])
    crm.forget()
    publish("2026-02-02", {"refund_documents": [refund(amount="25.00"), refund("R2")]})
    send([REFUNDS])
    send([REFUNDS])
    (event,) = crm.got
    first = query(
        "select event_id::text from ops.outbound_ledger where event_key = 'issued:T:R1' and revision = 1"
    )
    assert (event["event_key"], event["revision"], event["change"]) == ("issued:T:R1", 2, "correction")
    assert event["corrects"] == {"event_id": first[0][0], "revision": 1, "columns": ["amount"]}
    assert event["data"]["amount"] == "25.00" and event["event_id"] != first[0][0]
    assert event["text"] == "Corrected. Refund R1 of 25.00 EUR was issued on 2026-02-01."


def test_what_no_longer_holds_is_withdrawn_and_may_hold_again(crm: Receiver) -> None:
    publish("2026-02-01", {"refund_documents": [refund()]})
    send([REFUNDS])
    publish("2026-02-02", {"refund_documents": []})
    send([REFUNDS])
    send([REFUNDS])
    publish("2026-02-03", {"refund_documents": [refund()]})
    send([REFUNDS])
    assert crm.events() == [
        ("issued:T:R1", 1, "new"), ("issued:T:R1", 2, "withdrawal"), ("issued:T:R1", 3, "correction"),
    ]  # fmt: skip
    assert set(crm.got[1]["data"].values()) == {None}


def test_work_that_was_done_is_not_withdrawn(dock: Path) -> None:
    publish("2026-02-01", {"return_tracking": [received()]})
    send()
    publish("2026-02-02", {"return_tracking": [line(status="CLOSED", is_open=False, next_step=None)]})
    assert send().endswith("nothing to tell")


def test_each_kind_of_event_is_told_under_a_key_of_its_own(crm: Receiver) -> None:
    overdue = line("RMA:2", is_overdue=True, next_step_due_on="2026-02-01")
    asked = line("REQ:3", status="REQUESTED", requested_at="2026-02-01 10:00+00")
    whole = received(
        first_inspected_at="2026-02-02 08:00+00", inspected_quantity=1,
        first_refunded_at="2026-02-02 09:00+00", refunded_quantity=1, refunded_amount="20.00",
        status="CLOSED", is_open=False,
    )  # fmt: skip
    publish("2026-02-01", {})
    send()
    publish("2026-02-02", {"return_tracking": [whole, overdue, asked]})
    send()
    assert sorted(key for key, _, _ in crm.events()) == [
        "inspected:RMA:1", "needs_an_answer:REQ:3", "overdue:RMA:2|APPROVED", "received:RMA:1",
        "refunded:RMA:1",
    ]  # fmt: skip


def test_the_day_of_an_event_is_that_of_the_companys_time_zone(
    crm: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _happened(crm, "UTC", monkeypatch) == "2026-02-01"
    assert _happened(crm, "Asia/Tokyo", monkeypatch) == "2026-02-02"


def _happened(crm: Receiver, zone: str, monkeypatch: pytest.MonkeyPatch) -> str:
    company = events.companies.profile().model_copy(update={"time_zone": zone})
    monkeypatch.setattr(events.companies, "profile", lambda: company)
    with connect("admin") as connection:
        connection.execute("truncate ops.outbound_ledger, ops.outbound_feeds")
    publish("2026-02-02", {"return_tracking": [received(first_received_at="2026-02-01 20:00+00")]})
    monkeypatch.setenv("OUTBOUND_BEGINS_ON", "2026-02-01")
    crm.forget()
    send([RETURNS])
    return str(crm.got[0]["happened_on"])


# -- what begins when


def test_history_from_before_it_was_switched_on_stays_untold(crm: Receiver) -> None:
    old = received("RMA:9", first_received_at="2026-01-31 09:00+00")
    publish("2026-02-01", {"return_tracking": [old, received()]})
    send()
    publish("2026-02-02", {"return_tracking": [{**old, "received_quantity": 2}, received()]})
    send()
    assert crm.events() == [("received:RMA:1", 1, "new")]


def test_an_earlier_beginning_can_be_set_and_what_lies_ahead_waits(
    crm: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUTBOUND_BEGINS_ON", "2026-01-31")
    old = received("RMA:9", first_received_at="2026-01-31 09:00+00")
    ahead = received("RMA:8", first_received_at="2026-02-02 09:00+00")
    publish("2026-02-01", {"return_tracking": [old, ahead]})
    send()
    assert crm.events() == [("received:RMA:9", 1, "new")]
    publish("2026-02-02", {})
    send()
    assert crm.events()[1:] == [("received:RMA:8", 1, "new")]


def test_nothing_is_told_before_something_is_published(crm: Receiver) -> None:
    assert send().count("nothing to tell") == 2 and not crm.got


def test_a_feed_without_a_destination_is_off_and_one_that_is_asked_for_says_so() -> None:
    assert send() == OFF
    with pytest.raises(NotTold, match="wms_worklist is off: OUTBOUND_TO_WMS_WORKLIST names where it goes"):
        send(["wms_worklist"])


def test_a_night_without_any_destination_asks_nothing_and_leaves_no_stage() -> None:
    before = query("select count(*) from ops.stage_runs")
    assert stages.tell_others() == OFF
    assert query("select count(*) from ops.stage_runs") == before


def test_an_address_of_a_feed_that_is_spelt_otherwise_is_told(
    crm: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUTBOUND_TO_WMS_WORK_LIST", "/srv/inbox")
    publish("2026-02-01", {"return_tracking": [received()]})
    with pytest.raises(NotTold, match="OUTBOUND_TO_WMS_WORK_LIST names no feed; there are crm_refund_events"):
        send()
    assert len(crm.got) == 1


def test_more_events_than_a_run_may_tell_are_not_decided(
    crm: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUTBOUND_MOST", "2")
    publish(
        "2026-02-01",
        {"return_tracking": [received(f"RMA:{n}") for n in range(3)], "refund_documents": [refund()]},
    )
    with pytest.raises(NotTold, match="crm_return_events has more than 2 events to tell"):
        send()
    assert crm.events() == [("issued:T:R1", 1, "new")], "one feed's trouble is no other's"
    send([RETURNS], most=3)
    assert len(crm.got) == 4


def test_a_dry_run_shows_and_leaves_no_trace(crm: Receiver) -> None:
    publish("2026-02-01", {"return_tracking": [received()]})
    told = CliRunner().invoke(app, ["send", "--dry-run"])
    assert told.exit_code == 0, told.output
    assert "crm_return_events to http://127.0.0.1: 1 new; 0 events waiting" in told.output
    assert '"return_line_key":"RMA:1"' in told.output
    assert not crm.got and not _statuses() and not query("select * from ops.outbound_feeds")


def test_a_column_that_a_contract_gains_corrects_nothing_by_itself(
    crm: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish("2026-02-01", {"refund_documents": [refund()]})
    send([REFUNDS])
    whole = contracts.load(REFUNDS)
    period = contracts.OutboundColumn(type="text", reads="group_key", description="Match group.")
    wider = whole.model_copy(update={"columns": {**whole.columns, "match_group": period}})
    monkeypatch.setattr(contracts, "load", lambda feed: wider)
    send([REFUNDS])
    assert len(crm.got) == 1
    publish("2026-02-02", {"refund_documents": [refund(amount="1.00", group_key="G1")]})
    send([REFUNDS])
    # From the night on that knew the column, it is one whose changes are told.
    assert sorted(crm.got[1]["corrects"]["columns"]) == ["amount", "match_group"]
    assert crm.got[1]["data"]["match_group"] == "G1"


def test_only_what_is_new_counts_against_what_a_run_may_tell(
    crm: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [refund("R1"), refund("R2")]
    publish("2026-02-01", {"refund_documents": rows})
    send([REFUNDS])
    monkeypatch.setenv("OUTBOUND_MOST", "1")
    whole = contracts.load(REFUNDS)
    fewer = {name: column for name, column in whole.columns.items() if name != "tender"}
    monkeypatch.setattr(contracts, "load", lambda feed: whole.model_copy(update={"columns": fewer}))
    learnt = "select data_sha256 from ops.outbound_ledger where event_key = 'issued:T:R1'"
    before = query(learnt)
    publish("2026-02-02", {"refund_documents": [*rows, refund("R3")]})
    send([REFUNDS])
    assert len(crm.got) == 3 and "tender" not in crm.got[2]["data"]
    assert query(learnt) != before, "which the next night need not look at again"


def test_all_feeds_are_read_in_one_snapshot(crm: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    publish("2026-02-01", {"refund_documents": [refund()], "return_tracking": [received()]})
    read = events.changed

    def then_another_night(*given: Any) -> Any:
        found = read(*given)
        publish("2026-02-01", {"return_tracking": [received(received_quantity=7)]})
        return found

    monkeypatch.setattr(events, "changed", then_another_night)
    send()
    quantities = [e["data"]["received_quantity"] for e in crm.got if e["event"] == "received"]
    assert quantities == [1]


# -- when it goes wrong


def test_a_server_that_fails_is_asked_again_under_the_same_key(crm: Receiver) -> None:
    crm.answers = [500, 503]
    publish("2026-02-01", {"return_tracking": [received()]})
    send()
    assert len(crm.keys) == 3 and len(set(crm.keys)) == 1
    assert _statuses() == [("received:RMA:1", 1, "sent")]


def test_a_server_says_how_long_to_wait_and_one_that_asks_too_much_is_left(
    crm: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(posting.Poster.__init__, "__defaults__", (pauses.append,))
    crm.answers, crm.retry_after = [429], "7"
    publish("2026-02-01", {"return_tracking": [received(), received("RMA:2")]})
    send()
    assert pauses == [7.0] and len(crm.got) == 3
    crm.answers, crm.retry_after = [429], "86400"
    publish("2026-02-01", {"return_tracking": [received("RMA:3")]})
    with pytest.raises(Unreached, match="answers 429"):
        send([RETURNS])
    assert pauses == [7.0]


def test_what_could_not_be_told_waits_and_goes_first_with_the_next_run(
    crm: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish("2026-02-01", {"return_tracking": [received()]})
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}/secret-path"
    monkeypatch.setenv("OUTBOUND_TO_CRM_RETURN_EVENTS", nobody)
    with pytest.raises(
        ConnectionBroken, match=r"http://127.0.0.1 does not answer \(ConnectError\)"
    ) as broken:
        stages.tell_others()
    assert "secret-path" not in str(broken.value)
    assert query(
        "select outcome from ops.stage_runs where stage = 'outbound' order by run_id desc limit 1"
    ) == [("failed",)]
    assert query("select count(*) from ops.publications") == [(1,)], "what is published stays so"
    assert _statuses() == [("received:RMA:1", 1, "pending")]
    # The figure has changed before it was ever told: both are told, in their order.
    publish("2026-02-02", {"return_tracking": [received(received_quantity=2)]})
    monkeypatch.setenv("OUTBOUND_TO_CRM_RETURN_EVENTS", crm.url)
    stages.tell_others()
    assert [e["data"]["received_quantity"] for e in crm.got] == [1, 2]


def test_a_server_that_hangs_is_given_up(crm: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "TIMEOUT_SECONDS", 0.1)
    monkeypatch.setattr(posting, "PAUSES", ())
    crm.slow = 0.4
    publish("2026-02-01", {"return_tracking": [received()]})
    with pytest.raises(Unreached, match=r"does not answer \(ReadTimeout\)"):
        send([RETURNS])
    assert _statuses() == [("received:RMA:1", 1, "pending")]


def test_one_event_that_is_refused_keeps_back_its_own_revisions_alone(crm: Receiver) -> None:
    crm.refuses = {"received:RMA:1": 422}
    publish("2026-02-01", {"return_tracking": [received(), received("RMA:2")]})
    with pytest.raises(NotTold, match=r"refuses 1 event of crm_return_events, such as received:RMA:1"):
        send([RETURNS])
    publish("2026-02-02", {"return_tracking": [received(received_quantity=2), received("RMA:2")]})
    with pytest.raises(NotTold):
        send([RETURNS])
    assert [key for key, _, _ in crm.events()] == ["received:RMA:1", "received:RMA:2", "received:RMA:1"]
    told = CliRunner().invoke(app, ["status"]).output
    assert "refused: received:RMA:1, revision 1, 2 times; the receiver answers 422." in told
    number = told.partition("Its number: ")[2].split()[0]
    aside = CliRunner().invoke(app, ["set-aside", number, "--by", "A. Desk", "--note", "case is gone"])
    assert aside.output == f"{RETURNS}: received:RMA:1, revision 1, will not be sent\n"
    crm.refuses = {}
    send([RETURNS])
    assert crm.events()[-1] == ("received:RMA:1", 2, "correction")
    assert CliRunner().invoke(app, ["set-aside", number, "--by", "A", "--note", "b"]).exit_code == 1


@pytest.mark.parametrize("status", [302, 401, 404])
def test_an_address_or_login_that_is_refused_is_asked_once_and_its_key_is_in_no_message(
    crm: Receiver, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setenv("OUTBOUND_AUTHORIZATION_CRM_RETURN_EVENTS", KEY)
    crm.always = status
    publish("2026-02-01", {"return_tracking": [received(), received("RMA:2")]})
    with pytest.raises(NightFailed, match=f"answers {status}: it takes nothing at this address") as failed:
        stages.tell_others()
    assert len(crm.got) == 1
    assert "of-the-receiver-alone" not in str(failed.value) and "/hook" not in str(failed.value)


def test_an_answer_that_means_known_already_counts_as_told(
    crm: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = contracts.load(RETURNS).model_copy(update={"known_by_status": (409,)})
    monkeypatch.setattr(contracts, "load", lambda feed: known)
    crm.always = 409
    publish("2026-02-01", {"return_tracking": [received()]})
    send([RETURNS])
    assert _statuses() == [("received:RMA:1", 1, "sent")]


# -- killed between delivery and mark

KILLED = """
import os, signal
from revlog.outbound import ledger, send
ledger.mark_sent = lambda *given: os.kill(os.getpid(), signal.SIGKILL)
send.send()
"""


def _killed() -> None:
    done = subprocess.run([sys.executable, "-c", KILLED], cwd=ROOT, env={**os.environ, "PYTHONPATH": "src"})
    assert done.returncode == -signal.SIGKILL


def test_a_run_that_is_killed_after_it_has_posted_tells_the_same_event_again(crm: Receiver) -> None:
    publish("2026-02-01", {"return_tracking": [received()]})
    _killed()
    assert _statuses() == [("received:RMA:1", 1, "pending")]
    publish("2026-02-02", {"return_tracking": [received(received_quantity=2)]})
    send()
    # Figures have changed meanwhile, and still the receiver gets that event as it was, to know it again.
    assert crm.keys[0] == crm.keys[1] and crm.got[0] == crm.got[1]
    assert crm.events() == [("received:RMA:1", 1, "new")] * 2 + [("received:RMA:1", 2, "correction")]


def test_a_run_that_is_killed_after_it_has_written_a_file_leaves_that_one_file(dock: Path) -> None:
    publish("2026-02-01", {"return_tracking": [received(), received("RMA:2")]})
    _killed()
    (file,) = dock.iterdir()
    before, written = file.read_bytes(), file.stat().st_mtime_ns
    publish("2026-02-02", {"return_tracking": [received(open_quantity=3), received("RMA:2")]})
    send()
    assert file.read_bytes() == before and file.stat().st_mtime_ns == written
    corrected = sorted(set(dock.iterdir()) - {file})
    assert len(corrected) == 1 and b",correction," in corrected[0].read_bytes()


def test_a_file_that_the_receiver_took_before_the_mark_comes_again_byte_for_byte(dock: Path) -> None:
    publish("2026-02-01", {"return_tracking": [received()]})
    _killed()
    (file,) = dock.iterdir()
    before = file.read_bytes()
    file.unlink()
    send()
    assert [f.name for f in dock.iterdir()] == [file.name] and file.read_bytes() == before


# -- at once


def test_of_two_senders_one_waits_and_finds_everything_told(crm: Receiver) -> None:
    publish("2026-02-01", {"return_tracking": [received(f"RMA:{n}") for n in range(5)]})
    crm.slow = 0.05
    told: list[str] = []
    senders = [threading.Thread(target=lambda: told.append(send([RETURNS]))) for _ in range(2)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert len(crm.got) == 5
    assert sorted(text.partition(": ")[2] for text in told) == ["5 new", "nothing to tell"]


def test_a_sender_that_waits_in_vain_says_for_whom(crm: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCK_PATIENCE_MINUTES", "0.001")
    publish("2026-02-01", {"return_tracking": [received()]})
    with connect("sender") as other:
        other.execute("lock table locks.outbound in exclusive mode")
        with pytest.raises(locks.Busy, match=r"sending to other systems is under way.*\(sender, process"):
            send()
    assert not crm.got


# -- files


def test_a_worklist_is_a_file_that_no_spreadsheet_evaluates_and_names_no_person(dock: Path) -> None:
    publish("2026-02-01", {"return_tracking": [received(product_name="=HYPERLINK(1)"), received("RMA:2")]})
    send()
    (file,) = dock.iterdir()
    assert file.name.startswith("wms_worklist_20260201_") and file.suffix == ".csv"
    text = file.read_text()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["event_key"] for row in rows] == ["to_do:RMA:1|RECEIVED", "to_do:RMA:2|RECEIVED"]
    assert rows[0]["product_name"] == "'=HYPERLINK(1)"
    assert "customer" not in text and "9e3b3007" not in text


def test_a_statement_is_told_when_its_month_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUTBOUND_TO_VENDOR_CLAIM_STATEMENTS", str(tmp_path))
    monkeypatch.setenv("OUTBOUND_BEGINS_ON", "2026-01-15")
    months = [claims(), claims(month="2026-02-01"), claims(month="2025-12-01")]
    publish("2026-02-27", {"vendor_recovery": months})
    send()
    publish("2026-02-28", {})
    send()
    publish("2026-03-01", {"vendor_recovery": [claims(credited="60.00", open_claim_days=14), *months[1:]]})
    send()
    rows = [row for file in tmp_path.iterdir() for row in csv.DictReader(io.StringIO(file.read_text()))]
    assert sorted((row["month"], row["revision"], row["credited"]) for row in rows) == [
        ("2026-01-01", "1", "40.00"), ("2026-01-01", "2", "60.00"), ("2026-02-01", "1", "40.00"),
    ]  # fmt: skip


def test_a_folder_that_is_not_there_is_not_made(dock: Path) -> None:
    publish("2026-02-01", {"return_tracking": [received()]})
    dock.rmdir()
    with pytest.raises(NotTold, match="has no such folder: make it, or correct the address"):
        send()
    assert not dock.exists()
    dock.mkdir()
    send()
    assert len(list(dock.iterdir())) == 1


# -- what may leave


def test_who_tells_others_reads_what_is_published_and_no_name_of_anybody() -> None:
    with connect("sender", autocommit=True) as connection:
        connection.execute("select * from marts.return_tracking")
        for closed in (
            "raw.crm_customers_identity",
            "raw.crm_customers",
            "ops.file_ledger",
            "ops.quarantine",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"select * from {closed}")


def test_a_companys_own_contract_takes_the_place_of_the_products(
    crm: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = yaml.safe_load((ROOT / "outbound" / "contracts" / f"{RETURNS}.yml").read_text())
    del shipped["columns"]["customer_id"]
    for event in shipped["events"].values():
        event["columns"].remove("customer_id")
    own = tmp_path / "acme" / "outbound"
    own.mkdir(parents=True)
    (own / f"{RETURNS}.yml").write_text(yaml.safe_dump(shipped))
    monkeypatch.setenv("COMPANY", str(tmp_path / "acme"))
    publish("2026-02-01", {"return_tracking": [received()]})
    send([RETURNS])
    assert "customer_id" not in crm.got[0]["data"]


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        (
            "alter table marts.return_tracking drop column rma_no",
            "has no column rma_no; correct the contract",
        ),
        (
            "alter table marts.return_tracking alter received_quantity type text",
            "received_quantity is text and not integer",
        ),
        ("alter table marts.return_tracking rename to gone", "is not published; name another table"),
    ],
)
def test_a_published_table_that_no_longer_fits_is_told_and_nothing_of_the_feed_leaves(
    crm: Receiver, statement: str, told: str
) -> None:
    publish("2026-02-01", {"return_tracking": [received()], "refund_documents": [refund()]})
    with connect("publisher") as connection:
        connection.execute("create table marts.kept as table marts.return_tracking")
        connection.execute(statement)
    try:
        with pytest.raises(NotTold, match=told):
            send()
        assert [event["feed"] for event in crm.got] == [REFUNDS]
    finally:
        with connect("publisher") as connection:
            connection.execute("drop table if exists marts.return_tracking, marts.gone")
            connection.execute("alter table marts.kept rename to return_tracking")


def test_a_key_that_stands_twice_is_told_instead_of_flickering(crm: Receiver) -> None:
    publish("2026-02-01", {"return_tracking": [received(), received(received_quantity=2)]})
    with pytest.raises(
        NotTold, match=r"received:RMA:1 stands in more than one row of marts\.return_tracking"
    ):
        send([RETURNS])
    assert not crm.got


def test_a_bucket_that_is_away_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*given: Any) -> None:
        raise Unreached("the destination s3://dock does not answer")

    monkeypatch.setenv("OUTBOUND_TO_WMS_WORKLIST", "s3://dock/inbox")
    monkeypatch.setattr("revlog.ingestion.storage.put", away)
    publish("2026-02-01", {"return_tracking": [received()]})
    with pytest.raises(ConnectionBroken, match="s3://dock does not answer"):
        stages.tell_others()
    with pytest.raises(StorageError):
        send()
    assert _statuses() == [("to_do:RMA:1|RECEIVED", 1, "pending")]
