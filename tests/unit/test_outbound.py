"""Contracts of what leaves, and what is put together by them; without a database."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from revlog.config.redaction import environment_without_secrets, without_secrets
from revlog.config.settings import ROOT, SettingsError
from revlog.ingestion import storage
from revlog.outbound import contract as contracts
from revlog.outbound import destination, payload, posting
from revlog.outbound.contract import SQL_TYPES, BadContract
from revlog.outbound.payload import Correction, Outgoing
from revlog.outputs.escaping import comment
from tests.integration.published_rows import columns

FEEDS = [
    "crm_refund_events", "crm_return_events", "vendor_claim_statements", "vendor_claims_to_file",
    "wms_disposition_advice", "wms_worklist",
]  # fmt: skip
CONTRACT: dict[str, Any] = {
    "feed": "told", "title": "Told", "description": "What is told.", "audience": "Nobody.", "owner": "crm",
    "source": "marts.return_tracking", "destination": "http",
    "columns": {
        "line": {"type": "text", "reads": "return_line_key", "description": "Return line."},
        "paid": {"type": "amount", "reads": "refunded_amount", "description": "Refunded."},
        "currency": {"type": "text", "description": "Currency."},
    },
    "events": {
        "refunded": {
            "description": "Refunded.", "key": ["return_line_key"], "at": "first_refunded_at",
            "when_gone": "withdraw", "says": "{line}: {paid} {currency}",
        }
    },
}  # fmt: skip


def _read(tmp_path: Path, **otherwise: Any) -> contracts.OutboundContract:
    file = tmp_path / "told.yml"
    file.write_text(yaml.safe_dump(CONTRACT | otherwise, sort_keys=False))
    return contracts.read(file)


def _event(**said: Any) -> dict[str, Any]:
    return {"refunded": CONTRACT["events"]["refunded"] | said}


# -- contracts


def test_every_feed_that_is_shipped_is_listed_here() -> None:
    assert contracts.feeds() == FEEDS


@pytest.mark.parametrize("feed", FEEDS)
def test_a_contract_names_columns_that_its_published_table_has_in_that_type(feed: str) -> None:
    found = contracts.load(feed)
    have = columns(found.table)
    for name, column in found.columns.items():
        kind = have[column.reads or name].partition("(")[0].replace("timestamptz", "timestamp with time zone")
        assert kind in SQL_TYPES[column.type], name
    for event in found.events:
        assert found.sources_of(event) <= have.keys()


def test_what_stands_for_a_person_leaves_to_customer_service_alone() -> None:
    assert {feed: contracts.load(feed).personal for feed in FEEDS} == dict.fromkeys(FEEDS, ()) | {
        "crm_return_events": ("customer_id",)
    }


@pytest.mark.parametrize(
    ("otherwise", "fault"),
    [
        ({"source": "build.return_tracking"}, "only published tables leave"),
        ({"source": "raw.crm_customers_identity"}, "only published tables leave"),
        ({"source": 'marts.t"; drop table x'}, "only published tables leave"),
        ({"feed": "Told"}, "lower case letters"),
        ({"events": _event(columns=["nobody"])}, r"brings unknown columns \['nobody'\]"),
        ({"events": _event(says="{sku} came")}, r"`says` names \['sku'\], which it does not bring"),
        (
            {"events": _event(columns=["line", "paid"], says="")},
            "paid is an amount without a column `currency`",
        ),
        ({"events": _event(key=[])}, "events.refunded.key"),
        ({"events": {}}, "events"),
        (
            {"destination": "files", "format": "csv", "events": _event(columns=["line"], says="")},
            "one header",
        ),
        ({"owners": "crm"}, "owners: Extra inputs are not permitted"),
    ],
)
def test_a_fault_of_a_contract_is_told_with_its_file(
    tmp_path: Path, otherwise: dict[str, Any], fault: str
) -> None:
    with pytest.raises(BadContract, match=f"outbound contract told.yml: .*{fault}"):
        _read(tmp_path, **otherwise)


@pytest.mark.parametrize(
    ("column", "fault"),
    [
        ({}, "column who stands for a person: leave it out, or mark it `pii: pseudonym`"),
        ({"pii": "pseudonym"}, "`pii` and `purpose` stand together"),
        ({"pii": "pseudonym", "purpose": " "}, "`pii` and `purpose` stand together"),
        ({"reads": "email"}, "column who: email may name a person, and never leaves"),
        ({"reads": "comment", "pii": "pseudonym", "purpose": "to read"}, "comment may name a person"),
    ],
)
def test_personal_data_leave_only_where_the_contract_says_so_and_why(
    tmp_path: Path, column: dict[str, str], fault: str
) -> None:
    who = {"type": "text", "reads": "customer_id", "description": "Customer."} | column
    with pytest.raises(BadContract, match=fault):
        _read(tmp_path, columns=CONTRACT["columns"] | {"who": who})


def test_a_key_does_not_tell_what_the_columns_withhold(tmp_path: Path) -> None:
    with pytest.raises(BadContract, match="customer_id stands for a person, and its key would tell it"):
        _read(tmp_path, events=_event(key=["customer_id"]))
    marked = {"type": "text", "description": "C.", "pii": "pseudonym", "purpose": "To find the case."}
    found = _read(
        tmp_path, columns=CONTRACT["columns"] | {"customer_id": marked}, events=_event(key=["customer_id"])
    )
    assert found.personal == ("customer_id",)


def test_a_contract_is_called_as_its_file(tmp_path: Path) -> None:
    (tmp_path / "other.yml").write_text(yaml.safe_dump(CONTRACT))
    with pytest.raises(BadContract, match=r"feed told belongs into told\.yml"):
        contracts.read(tmp_path / "other.yml")
    (tmp_path / "told.yml").write_text("a: [")
    with pytest.raises(BadContract, match=r"told\.yml is no YAML"):
        contracts.read(tmp_path / "told.yml")


# -- identities and bytes


def test_the_identity_of_an_event_is_kept_for_good() -> None:
    # Receivers know events by these: another way to make them would tell everybody everything again.
    assert payload.event_id("acme", "told", "refunded:RMA:1", 1) == "e3f02bed-94e8-5b65-b562-a2fc48fc3c05"
    others = [("acme", "told", "refunded:RMA:1", 2), ("acme", "told", "refunded:RMA:2", 1),
              ("acme", "more", "refunded:RMA:1", 1), ("other", "told", "refunded:RMA:1", 1)]  # fmt: skip
    assert len({payload.event_id(*other) for other in others} - {"e3f02bed-94e8-5b65-b562-a2fc48fc3c05"}) == 4


def _outgoing(**said: Any) -> Outgoing:
    given: dict[str, Any] = {
        "event": "refunded", "event_key": "refunded:RMA:1", "revision": 1, "change": "new",
        "happened_on": "2026-02-01", "data": {"line": "RMA:1", "paid": "20.00", "currency": "EUR"},
    } | said  # fmt: skip
    return Outgoing(**given)


def test_an_envelope_says_what_is_corrected(tmp_path: Path) -> None:
    corrects = Correction("id-before", 1, ("paid",))
    told = _outgoing(revision=2, change="correction", corrects=corrects)
    made = payload.envelope(_read(tmp_path), "id-now", told, 7, "2026-02-02")
    assert "\n" not in made
    assert json.loads(made) == {
        "event_id": "id-now", "feed": "told", "event": "refunded", "event_key": "refunded:RMA:1",
        "revision": 2, "change": "correction", "happened_on": "2026-02-01", "business_date": "2026-02-02",
        "corrects": {"event_id": "id-before", "revision": 1, "columns": ["paid"]}, "publication": 7,
        "text": "Corrected. RMA:1: 20.00 EUR", "data": {"line": "RMA:1", "paid": "20.00", "currency": "EUR"},
    }  # fmt: skip


def test_a_withdrawal_repeats_no_figure(tmp_path: Path) -> None:
    told = _outgoing(revision=2, change="withdrawal", data=None, corrects=Correction("id", 1, ()))
    made = json.loads(payload.envelope(_read(tmp_path), "id-now", told, 7, "2026-02-02"))
    assert made["data"] == {"line": None, "paid": None, "currency": None}
    assert made["text"] == "No longer so: refunded:RMA:1, as told before."


def test_a_file_has_one_name_and_the_same_bytes_whenever_it_is_put_together(tmp_path: Path) -> None:
    found = _read(tmp_path, destination="files", format="csv")
    assert payload.file_name(found, "2026-02-01", ["a", "b"]) == "told_20260201_7e18f737311b2dc3.csv"
    assert payload.file_name(found, "2026-02-01", ["a", "c"]) != "told_20260201_7e18f737311b2dc3.csv"
    lines = [
        payload.envelope(found, f"id-{n}", _outgoing(data=data), 7, "2026-02-01")
        for n, data in enumerate(
            [
                {"line": "=1+1", "paid": "-20.00", "currency": "EUR"},
                {"line": 'two\nlines, "quoted"', "paid": None, "currency": None},
            ]
        )
    ]
    assert payload.content("told.csv", lines).decode() == (
        "event_id,event,event_key,revision,change,corrects,happened_on,business_date,line,paid,currency\r\n"
        "id-0,refunded,refunded:RMA:1,1,new,,2026-02-01,2026-02-01,'=1+1,-20.00,EUR\r\n"
        'id-1,refunded,refunded:RMA:1,1,new,,2026-02-01,2026-02-01,"two\nlines, ""quoted""",,\r\n'
    )
    assert payload.content("told.jsonl", lines).decode().splitlines() == lines


def test_a_correction_names_the_columns_that_were_told_otherwise() -> None:
    before = payload.column_digests({"a": 1, "b": None, "c": "x"})
    assert payload.differing(before, payload.column_digests({"a": 1, "b": 0, "c": "y", "d": 1})) == ("b", "c")
    assert all(len(digest) == payload.COLUMN_DIGITS for digest in before.values())


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("Lamp & shade, 40 W", "Lamp & shade, 40 W"),
        ("<script>alert(1)</script>", "‹script›alert(1)‹/script›"),
        ("[click](https://evil.example)", "[click] (https: //evil.example)"),
        ("see http://evil.example", "see http: //evil.example"),
        ("`x`\nResolved by admin", "'x'\\nResolved by admin"),
    ],
)
def test_a_value_within_a_comment_makes_no_tag_link_or_line(value: str, shown: str) -> None:
    assert comment(value) == shown


# -- destinations


@pytest.mark.parametrize(
    ("feed", "address", "fault"),
    [
        ("crm_return_events", "/srv/inbox", "must be an https:// address"),
        ("wms_worklist", "https://wms.example", "must be a folder, bucket or SFTP server"),
        ("crm_return_events", "https://me:hunter22@crm.example/x", "holds a password or a key"),
        ("wms_worklist", "s3://inbox/x?key=hunter22", "holds a password or a key"),
        ("crm_return_events", "http://crm.example/x", "must begin with https://"),
        ("crm_return_events", "https:///x", "names no server"),
    ],
)
def test_an_address_that_can_not_be_used_is_told_without_it(
    feed: str, address: str, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"OUTBOUND_TO_{feed.upper()}", address)
    with pytest.raises(SettingsError, match=f"OUTBOUND_TO_{feed.upper()} {fault}") as found:
        destination.of(contracts.load(feed))
    assert "hunter22" not in str(found.value) and "crm.example" not in str(found.value)


def test_a_server_is_shown_by_its_host_and_its_key_by_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTBOUND_TO_CRM_RETURN_EVENTS", "https://hooks.example/T0/B0/secret-path?x=1")
    monkeypatch.setenv("OUTBOUND_AUTHORIZATION_CRM_RETURN_EVENTS", "Bearer keep-me-here")
    found = destination.of(contracts.load("crm_return_events"))
    assert str(found) == "https://hooks.example" and found and found.authorization == "Bearer keep-me-here"
    assert without_secrets("sent with Bearer keep-me-here") == "sent with ***"
    assert not [name for name in environment_without_secrets() if name.startswith("OUTBOUND_")]


def test_an_address_that_no_client_understands_is_told_by_its_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTBOUND_TO_CRM_RETURN_EVENTS", "https://crm.example:80a/secret-path")
    found = destination.of(contracts.load("crm_return_events"))
    assert found
    with (
        posting.Poster(found, ()) as poster,
        pytest.raises(posting.DestinationRefused, match=r"https://crm\.example is no address") as told,
    ):
        poster.post("id", "{}")
    assert "secret-path" not in str(told.value)


def test_settings_come_from_the_environment_then_from_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("OUTBOUND_TO_WMS_WORKLIST=/of/the/file\nOUTBOUND_MOST=5\n")
    (tmp_path / storage.HANDED_TO_SENDER).write_text("OUTBOUND_MOST='7'\nOUTBOUND_BEGINS_ON='2026-02-01'\n")
    monkeypatch.setenv("REVLOG_ENV_FILE", str(tmp_path / ".env"))
    monkeypatch.setenv("REVLOG_SECRETS", str(tmp_path))
    assert destination.most() == 5 and str(destination.begins_on()) == "2026-02-01"
    assert str(destination.of(contracts.load("wms_worklist"))) == "/of/the/file"
    monkeypatch.setenv("OUTBOUND_MOST", "0")
    with pytest.raises(SettingsError, match="OUTBOUND_MOST=0 is no number of events"):
        destination.most()
    monkeypatch.setenv("OUTBOUND_BEGINS_ON", "yesterday")
    with pytest.raises(SettingsError, match="OUTBOUND_BEGINS_ON=yesterday is no date"):
        destination.begins_on()


# -- the how-to

PAGE = (ROOT / "docs" / "how-to" / "tell-other-systems.md").read_text()


def _block(language: str, word: str) -> str:
    """The block of code that holds the word."""
    (found,) = [text for text in PAGE.split(f"```{language}\n")[1:] if word in text.split("```")[0]]
    return found.split("```")[0]


def test_the_contract_that_people_copy_fits_its_published_table(tmp_path: Path) -> None:
    file = tmp_path / "hazmat_to_certify.yml"
    file.write_text(_block("yaml", "hazmat_to_certify"))
    found = contracts.read(file)
    assert found.sources_of("certificate_missing") <= columns("regulated_units").keys()
    assert {c.reads or name for name, c in found.columns.items()} <= columns("regulated_units").keys()


def test_the_payload_that_people_read_is_what_a_feed_makes() -> None:
    shown = json.loads(_block("json", '"publication"'))
    before = Correction(shown["corrects"]["event_id"], 1, tuple(shown["corrects"]["columns"]))
    told = Outgoing("issued", shown["event_key"], 2, "correction", "2026-02-01", shown["data"], before)
    contract = contracts.load("crm_refund_events")
    assert json.loads(payload.envelope(contract, shown["event_id"], told, 12, "2026-02-02")) == shown
    for revision, identity in ((1, shown["corrects"]["event_id"]), (2, shown["event_id"])):
        assert payload.event_id("acme", "crm_refund_events", shown["event_key"], revision) == identity


def test_every_feed_that_is_shipped_is_on_the_page_and_in_the_settings() -> None:
    example = (ROOT / ".env.example").read_text()
    for feed in FEEDS:
        assert f"| `{feed}` |" in PAGE and f"#OUTBOUND_TO_{feed.upper()}=" in example
        events = set(contracts.load(feed).events)
        assert all(f"`{event}`" in PAGE for event in events)


# -- storage


def test_a_file_is_put_whole_and_one_of_these_bytes_is_left(tmp_path: Path) -> None:
    storage.put(str(tmp_path), "a.csv", b"one")
    first = (tmp_path / "a.csv").stat()
    storage.put(str(tmp_path), "a.csv", b"one")
    assert (tmp_path / "a.csv").stat().st_ino == first.st_ino
    storage.put(str(tmp_path), "a.csv", b"two")
    assert [file.name for file in tmp_path.iterdir()] == ["a.csv"]
    assert (tmp_path / "a.csv").read_bytes() == b"two" and first.st_mode & 0o777 == 0o640
