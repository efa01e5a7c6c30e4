"""Notices over real sockets: what arrives, what happens where nobody listens, and what never leaves."""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import json
import logging
import os
import socket
import socketserver
import ssl
import threading
import time
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import lxml.html
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from typer.testing import CliRunner

from revlog.commands.night import app as night
from revlog.night import findings, notices, stages
from revlog.night.errors import NightFailed
from revlog.night.findings import Finding

CONTEXT = {
    "task_instance": SimpleNamespace(dag_id="build_marts", task_id="gate_landed"),
    "dag_run": SimpleNamespace(partition_key="2026-01-31"),
    "exception": RuntimeError("Gate landed: quarantine_share of crm_customers, line=2"),
}


@pytest.fixture(autouse=True)
def _own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVLOG_VAR", str(tmp_path))
    for name in ("CHANNEL", "EMAIL", "FROM", "SMTP", "SMTP_USER", "SMTP_PASSWORD", "URL", "CONNECTION"):
        monkeypatch.setenv(f"NOTIFY_{name}", "")


HELD = Finding(
    check="quarantine_share", on="ops.file_ledger", rows=1_040, file="crm_customers_20260131.csv", line=2,
    owner="CRM & care", remedy="ask for a corrected file <soon>", holds=("marts", "finance"),
)  # fmt: skip


def test_what_has_no_file_is_told_with_its_feed() -> None:
    """A feed that did not come: the owner of its source has several."""
    found = findings._finding(
        {
            "check_name": "missing_feed", "asset": "ops.file_ledger by feed", "column_name": None,
            "unexpected_count": 1, "sample": [{"feed": "wms_returned_stock", "layout": "standard"}],
            "message": "Expected: it. To do: Ask for the file.", "holds": ["marts"],
        }
    )  # fmt: skip
    assert str(found) == "missing_feed on ops.file_ledger by feed: 1 row, feed wms_returned_stock"
    assert dict(found.facts()) == {
        "check": "missing_feed on ops.file_ledger by feed", "rows": "1", "about": "feed wms_returned_stock",
        "holds back": "marts", "owner": "WMS team", "to do": "Ask for the file.",
    }  # fmt: skip
    assert HELD.place == "crm_customers_20260131.csv, line 2"


def _held() -> dict[str, Any]:
    error = NightFailed("Gate landed for 2026-01-31: 1 critical failed")
    error.findings = (HELD,)
    return {**CONTEXT, "exception": error}


def _shown(mail: EmailMessage) -> str:
    """Text of the mail as a reader sees it."""
    body = mail.get_body(("html",))
    assert body is not None
    page = lxml.html.fromstring(body.get_content())
    return "\n".join(text.strip() for text in page.itertext() if text.strip())


def _kept() -> list[dict[str, str]]:
    return [json.loads(line) for line in notices.notices_file().read_text().splitlines()]


class Mailbox(socketserver.ThreadingTCPServer):
    """An SMTP server of the few commands that a notice needs; `tls` makes it offer STARTTLS."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.tls = tls
        self.mails: list[EmailMessage] = []
        self.lines: list[bytes] = []
        self.logins: list[bytes] = []

    @property
    def address(self) -> str:
        return f"localhost:{self.server_address[1]}"


class _Conversation(socketserver.BaseRequestHandler):
    server: Mailbox

    def handle(self) -> None:
        self.stream, self.is_safe = self.request, False
        self.lines = self.stream.makefile("rb")
        self._say("220 ready")
        for line in iter(lambda: self.lines.readline(), b""):
            self.server.lines.append(line)
            word = line.split()[0].upper()
            if word == b"QUIT":
                return self._say("221 bye")
            self._answer(word, line)

    def _answer(self, word: bytes, line: bytes) -> None:
        if word == b"EHLO":
            offers = [] if self.server.tls is None else ["AUTH PLAIN" if self.is_safe else "STARTTLS"]
            self._say("".join(f"250-{text}\r\n" for text in ["localhost", *offers]) + "250 SIZE 1000000")
        elif word == b"STARTTLS" and self.server.tls:
            self._say("220 go on")
            self.stream, self.is_safe = self.server.tls.wrap_socket(self.request, server_side=True), True
            self.lines = self.stream.makefile("rb")
        elif word == b"AUTH":
            self.server.logins.append(base64.b64decode(line.split()[-1]))
            self._say("235 welcome")
        elif word == b"DATA":
            self._say("354 go on")
            text = b"".join(iter(lambda: self.lines.readline(), b".\r\n"))
            mail = message_from_bytes(text, policy=policy.default)
            assert isinstance(mail, EmailMessage)
            self.server.mails.append(mail)
            self._say("250 taken")
        else:
            self._say("250 ok")

    def _say(self, text: str) -> None:
        self.stream.sendall(text.encode() + b"\r\n")


class Hook(HTTPServer):
    """A webhook that answers every post with `status`."""

    def __init__(self, status: int = 204) -> None:
        super().__init__(("127.0.0.1", 0), _Post)
        self.status, self.posts = status, []  # type: ignore[var-annotated]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook/T0-SECRET-PATH"


class _Post(BaseHTTPRequestHandler):
    server: Hook

    def do_POST(self) -> None:
        self.server.posts.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing on the terminal."""


def _serving(server: socketserver.BaseServer) -> Iterator[Any]:
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture()
def mailbox() -> Iterator[Mailbox]:
    yield from _serving(Mailbox())


@pytest.fixture()
def safe_mailbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mailbox]:
    """A mailbox with STARTTLS, whose certificate this test alone trusts."""
    certificate, key = _certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    yield from _serving(Mailbox(context))


@pytest.fixture()
def hook() -> Iterator[Hook]:
    yield from _serving(Hook())


@pytest.fixture()
def failing_hook() -> Iterator[Hook]:
    yield from _serving(Hook(status=500))


@pytest.fixture(params=["silent", "byte by byte"])
def stuck_port(request: pytest.FixtureRequest) -> Iterator[int]:
    """A port where somebody takes the call and never comes to an end."""
    over = threading.Event()

    def hold(listener: socket.socket) -> None:
        caller, _ = listener.accept()
        while not over.wait(0.05):
            if request.param == "byte by byte":
                caller.send(b"2")
        caller.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=hold, args=[listener], daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        over.set()
        thread.join(5)


def _certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    today = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(today - dt.timedelta(days=1))
        .not_valid_after(today + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "certificate.pem", folder / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths


def test_a_failure_is_in_the_log_and_kept_by_default(caplog: pytest.LogCaptureFixture) -> None:
    notices.failed(CONTEXT)
    message = "Gate landed: quarantine_share of crm_customers, line=2"
    assert f"FAILED build_marts.gate_landed 2026-01-31: {message}" in caplog.text
    (kept,) = _kept()
    assert (kept["kind"], kept["where"], kept["night"], kept["message"]) == (
        "failed", "build_marts.gate_landed", "2026-01-31", message,
    )  # fmt: skip


def test_a_failure_arrives_by_mail(mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_CHANNEL", "smtp")
    monkeypatch.setenv("NOTIFY_SMTP", mailbox.address)
    monkeypatch.setenv("NOTIFY_EMAIL", "nights@example.org")
    monkeypatch.setenv("NOTIFY_FROM", "warehouse@example.org")
    notices.failed(CONTEXT)
    (mail,) = mailbox.mails
    assert mail["Subject"] == "Reverse logistics: failed build_marts.gate_landed 2026-01-31"
    assert (mail["To"], mail["From"]) == ("nights@example.org", "warehouse@example.org")
    assert "quarantine_share of crm_customers" in _shown(mail)


def test_a_login_goes_over_tls(safe_mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_CHANNEL", "smtp")
    monkeypatch.setenv("NOTIFY_SMTP", safe_mailbox.address)
    monkeypatch.setenv("NOTIFY_SMTP_USER", "warehouse")
    monkeypatch.setenv("NOTIFY_SMTP_PASSWORD", "a mail password")
    notices.failed(CONTEXT)
    assert safe_mailbox.logins == [b"\0warehouse\0a mail password"]
    assert len(safe_mailbox.mails) == 1


def test_no_login_is_tried_without_tls(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("NOTIFY_CHANNEL", "smtp")
    monkeypatch.setenv("NOTIFY_SMTP", mailbox.address)
    monkeypatch.setenv("NOTIFY_SMTP_USER", "warehouse")
    monkeypatch.setenv("NOTIFY_SMTP_PASSWORD", "a mail password")
    notices.failed(CONTEXT)
    assert not [line for line in mailbox.lines if line.upper().startswith(b"AUTH")]
    assert mailbox.mails == []
    assert "could not be sent by smtp: SMTPNotSupportedError: STARTTLS" in caplog.text


def test_a_failure_arrives_at_a_webhook(hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_CHANNEL", "webhook")
    monkeypatch.setenv("NOTIFY_URL", hook.url)
    notices.failed(CONTEXT)
    (post,) = hook.posts
    assert (post["kind"], post["where"], post["night"]) == (
        "failed", "build_marts.gate_landed", "2026-01-31",
    )  # fmt: skip
    assert post["text"].startswith("```\nFAILED build_marts.gate_landed 2026-01-31: Gate landed")


FACTS = [
    "check", "quarantine_share on ops.file_ledger", "rows", "1,040", "file",
    "crm_customers_20260131.csv, line 2", "holds back", "marts and finance", "owner", "CRM & care", "to do",
    "ask for a corrected file <soon>",
]  # fmt: skip


def test_a_held_night_names_check_rows_file_line_owner_and_remedy_by_mail(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_CHANNEL", "smtp")
    monkeypatch.setenv("NOTIFY_SMTP", mailbox.address)
    notices.failed(_held())
    (mail,) = mailbox.mails
    assert _shown(mail).splitlines()[: len(FACTS)] == FACTS


@pytest.mark.parametrize(
    ("channel", "brackets", "ampersand"), [("slack", ("&lt;", "&gt;"), "&amp;"), ("webhook", ("‹", "›"), "&")]
)
def test_a_held_night_names_check_rows_file_line_owner_and_remedy_in_chat(
    channel: str, brackets: tuple[str, str], ampersand: str, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Slack writes it, or as other chats do, which show an entity as it is."""
    hook.status = 200
    monkeypatch.setenv("NOTIFY_CHANNEL", channel)
    monkeypatch.setenv("NOTIFY_URL", hook.url)
    notices.failed(_held())
    (post,) = hook.posts
    first, *lines = post["text"].removeprefix("```\n").removesuffix("\n```").splitlines()
    assert first == "FAILED build_marts.gate_landed 2026-01-31"
    values = [" ".join(line.split()) for line in lines if line]
    wanted = [f"{name} {value}" for name, value in zip(FACTS[::2], FACTS[1::2], strict=True)]
    wanted = [text.replace("&", ampersand) for text in wanted]
    assert values == [text.replace("<", brackets[0]).replace(">", brackets[1]) for text in wanted]


def test_the_night_s_command_names_owner_and_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    def held(*_: object) -> None:
        raise _held()["exception"]

    monkeypatch.setattr(stages, "whole_night", held)
    run = CliRunner().invoke(night, ["night", "2026-01-31"])
    assert run.exit_code == 1
    assert "CRM & care: ask for a corrected file <soon> (quarantine_share on ops.file_ledger: 1,040 rows" in (
        run.output
    )


def test_a_program_gets_the_findings_as_json(hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_CHANNEL", "webhook")
    monkeypatch.setenv("NOTIFY_URL", hook.url)
    notices.failed(_held())
    (finding,) = hook.posts[0]["findings"]
    assert (finding["rows"], finding["line"], finding["owner"]) == (1040, 2, "CRM & care")
    assert _kept()[0]["findings"] == [finding]


def test_a_connection_of_airflow_takes_the_place_of_the_address(
    hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_CHANNEL", "slack")
    monkeypatch.setenv("NOTIFY_URL", "http://127.0.0.1:9/nobody")
    hook.status = 200
    parts = {"conn_type": "slackwebhook", "host": hook.url.rpartition("/")[0], "password": "T0-SECRET-PATH"}
    monkeypatch.setenv("NOTIFY_CONNECTION", json.dumps(parts))
    notices.failed(CONTEXT)
    assert hook.posts[0]["text"].startswith("```\nFAILED build_marts.gate_landed")
    assert notices.VARIABLE not in os.environ, "no login stays behind for other processes"


def test_what_a_feed_says_forges_no_line_pings_nobody_and_links_nowhere(
    hook: Hook, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("NOTIFY_CHANNEL", "webhook")
    monkeypatch.setenv("NOTIFY_URL", hook.url)
    notices.send("failed", "a\nb", "2026\r\n-01", "<!channel> ``` <http://evil|look> \x1b[2J\u2028x")
    (post,) = hook.posts
    said = "‹!channel› ''' ‹http://evil|look› \\x1b[2J\\u2028x"
    assert post["text"] == f"```\nFAILED a\\nb 2026\\r\\n-01: {said}\n```"
    assert "FAILED a\\nb 2026\\r\\n-01: <!channel>" in caplog.text
    assert len(notices.notices_file().read_text().splitlines()) == 1


def test_a_subject_takes_one_line_whatever_its_parts_are(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_CHANNEL", "smtp")
    monkeypatch.setenv("NOTIFY_SMTP", mailbox.address)
    notices.send("failed", "core", "2026-01-31\nBcc: a@example.org", "why")
    (mail,) = mailbox.mails
    assert mail["Subject"] == "Reverse logistics: failed core 2026-01-31\\nBcc: a@example.org"
    assert mail["Bcc"] is None


def test_only_the_pipelines_user_reads_what_was_told() -> None:
    notices.failed(CONTEXT)
    assert oct(notices.notices_file().parent.stat().st_mode & 0o777) == "0o700"


def test_a_webhook_that_answers_with_an_error_is_told(
    failing_hook: Hook, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("NOTIFY_CHANNEL", "webhook")
    monkeypatch.setenv("NOTIFY_URL", failing_hook.url)
    notices.failed(CONTEXT)
    assert "could not be sent by webhook: AirflowException: 500:Internal Server Error" in caplog.text
    assert len(_kept()) == 1


@pytest.mark.parametrize("channel", ["smtp", "webhook"])
def test_a_channel_that_is_down_is_told_and_hides_nothing(
    channel: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    monkeypatch.setenv("NOTIFY_CHANNEL", channel)
    monkeypatch.setenv("NOTIFY_SMTP", f"127.0.0.1:{port}")
    monkeypatch.setenv("NOTIFY_URL", f"http://127.0.0.1:{port}/")
    notices.failed(CONTEXT)
    assert f"could not be sent by {channel}" in caplog.text
    assert "FAILED build_marts.gate_landed 2026-01-31: Gate landed" in caplog.text
    assert len(_kept()) == 1


@pytest.mark.parametrize("channel", ["smtp", "webhook"])
def test_a_channel_that_never_answers_is_given_up(
    channel: str, stuck_port: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(notices, "SEND_SECONDS", 0.5)
    monkeypatch.setenv("NOTIFY_CHANNEL", channel)
    monkeypatch.setenv("NOTIFY_SMTP", f"127.0.0.1:{stuck_port}")
    monkeypatch.setenv("NOTIFY_URL", f"http://127.0.0.1:{stuck_port}/")
    began = time.monotonic()
    notices.failed(CONTEXT)
    assert time.monotonic() - began < 5
    assert f"could not be sent by {channel}: no answer within 0.5 seconds" in caplog.text


@pytest.mark.parametrize(
    ("channel", "told"),
    [
        ("pigeon", "NOTIFY_CHANNEL=pigeon is not log, smtp, slack or webhook"),
        ("webhook", "NOTIFY_URL is no http"),
    ],
)
def test_a_wrong_setting_is_told(
    channel: str, told: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("NOTIFY_CHANNEL", channel)
    notices.failed(CONTEXT)
    assert told in caplog.text
    assert len(_kept()) == 1


def test_the_channel_may_be_set_in_the_env_file(
    hook: Hook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "settings"
    file.write_text(f"NOTIFY_CHANNEL=webhook\nNOTIFY_URL={hook.url}\n")
    monkeypatch.setenv("REVLOG_ENV_FILE", str(file))
    notices.failed(CONTEXT)
    assert len(hook.posts) == 1


def test_a_folder_that_cannot_be_written_hides_nothing(
    hook: Hook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "log").write_text("a file where the folder should be")
    monkeypatch.setenv("NOTIFY_CHANNEL", "webhook")
    monkeypatch.setenv("NOTIFY_URL", hook.url)
    notices.failed(CONTEXT)
    assert len(hook.posts) == 1


class Unspeakable(Finding):
    """A finding whose values are not of the types that it says."""

    def facts(self) -> list[tuple[str, str]]:
        return [("rows", f"{'many':,}")]  # type: ignore[str-format]


def test_a_finding_that_cannot_be_laid_out_costs_the_notice_nothing_else(
    hook: Hook, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("NOTIFY_CHANNEL", "webhook")
    monkeypatch.setenv("NOTIFY_URL", hook.url)
    broken = Unspeakable("c", "t", None, None, None, "o", "r")
    notices.send("failed", "build_marts.gate_landed", "2026-01-31", "Gate landed", [broken, HELD])
    assert "FAILED build_marts.gate_landed 2026-01-31: Gate landed" in caplog.text
    assert "the notice lacks a finding: ValueError" in caplog.text
    for told in (hook.posts[0], _kept()[0]):
        assert [finding["check"] for finding in told["findings"]] == ["quarantine_share"]


@pytest.mark.parametrize("part", ["_keep", "_send_on", "without_secrets"])
def test_whatever_fails_inside_a_notice_stays_inside(
    part: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any) -> None:
        raise TypeError(SECRET)

    monkeypatch.setattr(notices, part, fail)
    notices.send("failed", "build_marts.gate_landed", "2026-01-31", "Gate landed", [HELD])
    assert "a notice of build_marts.gate_landed could not be sent: TypeError" in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.parametrize(
    ("value", "number"), [("279", 279), (7, 7), (None, None), ("", None), ("SKU1;box;12", None)]
)
def test_a_sample_s_numbers_come_as_text_as_well(value: object, number: int | None) -> None:
    row = {
        "check_name": "c", "asset": "ops.quarantine", "column_name": None, "unexpected_count": 1,
        "sample": [{"feed": "erp_items", "rows_quarantined": value, "file": "a.csv", "line": value}],
        "message": "m", "holds": ["marts"],
    }  # fmt: skip
    found = findings._finding(row)
    assert (found.rows, found.line) == (1 if number is None else number, number)
    assert str(found).startswith(f"c on ops.quarantine: {found.rows:,} row")


SECRET = "kept-secret-1-and-long"


@pytest.mark.parametrize(
    "message",
    [
        f"cannot connect to postgresql://admin:{SECRET}@db:5432/warehouse",
        f"invalid connection string: host=db user=admin password={SECRET} sslmode=off",
        f"invalid connection string: password='{SECRET}'",
        f"the loader said {SECRET}",
    ],
)
def test_no_secret_leaves(
    message: str,
    hook: Hook,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (tmp_path / "secrets.json").write_text(json.dumps({"loader": SECRET}))
    monkeypatch.setenv("NOTIFY_CHANNEL", "webhook")
    monkeypatch.setenv("NOTIFY_URL", hook.url)
    notices.send("failed", "build_marts.core", "2026-01-31", message)
    assert "***" in hook.posts[0]["message"]
    for told in (caplog.text, notices.notices_file().read_text(), json.dumps(hook.posts)):
        assert SECRET not in told


def test_the_address_of_a_webhook_is_a_secret_too(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("NOTIFY_CHANNEL", "webhook")
    monkeypatch.setenv("NOTIFY_URL", "http://127.0.0.1:99999/hook/T0-SECRET-PATH")
    notices.failed(CONTEXT)
    assert "could not be sent by webhook" in caplog.text
    assert "T0-SECRET-PATH" not in caplog.text


def _late(night: str, state: str) -> None:
    run = {"dag_id": "build_marts", "partition_key": night, "state": state}
    context = {"dag_run": run, "deadline": {"deadline_time": "2026-02-01 04:45:00+00:00"}}
    asyncio.run(notices.late(context=context))


@pytest.mark.parametrize("state", ["running", "failed"])
def test_a_late_night_is_told_with_its_state_and_deadline(
    state: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        _late("2026-01-31", state)
    (kept,) = _kept()
    assert (kept["kind"], kept["where"], kept["night"]) == ("late", "build_marts", "2026-01-31")
    assert f"the run is {state}" in kept["message"]
    assert "2026-02-01 04:45" in kept["message"]


def test_a_date_that_waits_its_turn_in_a_backfill_is_not_late() -> None:
    _late("2026-01-31", "queued")
    assert not notices.notices_file().exists()


def test_last_night_waiting_behind_another_is_late() -> None:
    yesterday = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1)
    _late(yesterday.isoformat(), "queued")
    assert len(_kept()) == 1


def test_a_folder_that_users_share_stays_shared_and_another_is_its_owners() -> None:
    folder = notices.notices_file().parent
    folder.mkdir(parents=True)
    folder.chmod(0o2770)
    notices.failed(CONTEXT)
    assert folder.stat().st_mode & 0o7777 == 0o2770
    folder.chmod(0o755)
    notices.failed(CONTEXT)
    assert folder.stat().st_mode & 0o7777 == 0o700
    assert len(_kept()) == 2
