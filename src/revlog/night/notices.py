"""Tell somebody that a night failed or is late: by log (default), e-mail, Slack or webhook.

NOTIFY_CHANNEL is `log`, `smtp`, `slack` or `webhook`; Airflow's providers send.

- `smtp`: NOTIFY_EMAIL is the address, NOTIFY_SMTP `host:port`, NOTIFY_FROM the sender. With
  NOTIFY_SMTP_USER and NOTIFY_SMTP_PASSWORD it logs in, over TLS only.
- `slack`: NOTIFY_URL is an incoming webhook of Slack, or of what speaks like it (Mattermost, Rocket.Chat).
- `webhook`: NOTIFY_URL takes the notice as JSON: `text` is for chat services, `findings` for programs.

NOTIFY_CONNECTION, an Airflow connection as JSON or URI, takes the place of server, login and address: for
OAuth, a proxy, headers of a gateway. Whatever the channel does, every notice is in the log and in
`notices.jsonl`, without any secret, and sending ends after SEND_SECONDS.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import html
import json
import logging
import os
import stat
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from revlog.config.redaction import without_secrets
from revlog.config.settings import settings, variable
from revlog.outputs.escaping import chat, lines, one_line, slack
from revlog.outputs.files import own_folder

if TYPE_CHECKING:
    from revlog.night.findings import Finding

Notice = dict[str, Any]

# Key of the XCom by which a task says what its note is to hold.
TOLD = "told"
log = logging.getLogger("reverse_logistics.notices")
# For one answer of a server, and for all of them together.
TIMEOUT_SECONDS = 10
SEND_SECONDS = 30
MOST_CHARACTERS = 4000
# By this name the providers look for their connection.
CONNECTION = "reverse_logistics_notices"
VARIABLE = f"AIRFLOW_CONN_{CONNECTION.upper()}"


def notices_file() -> Path:
    """Where every notice is kept, one JSON object a line."""
    return settings().var / "log" / "notices.jsonl"


def failed(context: Any) -> None:
    """Airflow's failure callback: names DAG, task, night and the task's own message."""
    instance = context.get("task_instance") or context.get("ti")
    run = context.get("dag_run")
    note(instance, str(context.get("exception") or ""))
    send(
        "failed",
        f"{instance.dag_id}.{instance.task_id}",
        getattr(run, "partition_key", None) or "",
        str(context.get("exception") or "no message; see the task's log"),
        getattr(context.get("exception"), "findings", ()),
    )


def note(instance: Any, text: str) -> None:
    """Leave a text, without secrets, for the note of a task; that Airflow takes none hides nothing."""
    try:
        instance.xcom_push(key=TOLD, value=lines(without_secrets(text)))
    except Exception as error:
        log.warning("the task has no note: %s", type(error).__name__)


async def late(context: dict[str, Any] | None = None) -> None:
    """Airflow's deadline callback: a run has not ended well in time."""
    run = (context or {}).get("dag_run") or {}
    dag, night = str(run.get("dag_id") or "?"), str(run.get("partition_key") or "")
    state = str(run.get("state") or "not known")
    if state == "queued" and _is_past(night):
        log.warning("%s of %s waits its turn in a backfill", dag, night)
        return
    message = (
        f"The night has not finished in time: the run is {state},"
        f" the deadline was {((context or {}).get('deadline') or {}).get('deadline_time')}."
        " See the runbook, 'a late night'."
    )
    await asyncio.to_thread(send, "late", dag, night, message)


def send(kind: str, where: str, night: str, message: str, findings: Sequence[Finding] = ()) -> None:
    """Send one notice; never raises, so that what it tells of stays the task's own error.

    What a part of it lacks, a finding that can't be laid out or a folder that can't be written, costs that
    part alone.
    """
    try:
        notice: Notice = {
            "kind": kind,
            "where": one_line(where),
            "night": one_line(night),
            "message": lines(without_secrets(message))[:MOST_CHARACTERS],
            "sent_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            "findings": [],
        }
        log.error("%s", _text(notice))
        facts = _lay_out(findings, notice)
        _keep(notice)
        _send_on(notice, facts)
    except Exception as error:
        # Without its text: what takes secrets out of texts may be what failed.
        log.error("a notice of %s could not be sent: %s", one_line(where), type(error).__name__)


def _lay_out(findings: Sequence[Finding], notice: Notice) -> list[Facts]:
    """Add the findings to the notice as JSON, and return them as names and values."""
    found: list[Facts] = []
    for finding in findings:
        try:
            facts = [(name, _inert(value)) for name, value in finding.facts()]
            notice["findings"].append(_inert(finding.as_json()))
            found.append(facts)
        except Exception as error:
            log.error("the notice lacks a finding: %s", type(error).__name__)
    return found


def _send_on(notice: Notice, facts: list[Facts]) -> None:
    """Send by the channel that is set, where one is; what went wrong is logged."""
    channel = variable("NOTIFY_CHANNEL", "log")
    if channel == "log":
        return
    if channel not in CHANNELS:
        log.error("NOTIFY_CHANNEL=%s is not log, smtp, slack or webhook", channel)
    elif problem := _sent(CHANNELS[channel], notice, facts):
        log.error("the notice could not be sent by %s: %s", channel, problem)


def _is_past(night: str) -> bool:
    """True for a date before the one that ended last: only a backfill runs it."""
    from revlog.builds import clock

    try:
        return dt.date.fromisoformat(night) < clock.today() - dt.timedelta(days=1)
    except ValueError:
        return False


def _inert(value: Any) -> Any:
    """Texts of findings, which quote names of files and what files hold, without secrets and in one line."""
    if isinstance(value, dict):
        return {name: _inert(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_inert(part) for part in value]
    return one_line(without_secrets(value)) if isinstance(value, str) else value


def _keep(notice: Notice) -> None:
    try:
        path = notices_file()
        # In Docker the stages' users share it: init has made it so.
        if not (path.parent.exists() and path.parent.stat().st_mode & stat.S_ISGID):
            own_folder(path.parent)
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(notice, ensure_ascii=False) + "\n")
    # Of settings as well as of the disk: it is sent all the same.
    except Exception as error:
        log.error("the notice could not be kept: %s: %s", type(error).__name__, without_secrets(str(error)))


def _sent(channel: Channel, notice: Notice, facts: list[Facts]) -> str:
    """Send by a thread that is given SEND_SECONDS; returns what went wrong, empty where nothing did.

    Timeouts of sockets do not bound a server that answers byte by byte, or a name that never resolves.
    """
    problem = [f"no answer within {SEND_SECONDS} seconds"]

    def attempt() -> None:
        try:
            channel(notice, facts)
            problem[0] = ""
        except Exception as error:
            problem[0] = _without_address(f"{type(error).__name__}: {error}")
        finally:
            os.environ.pop(VARIABLE, None)

    thread = threading.Thread(target=attempt, daemon=True)
    thread.start()
    thread.join(SEND_SECONDS)
    return problem[0]


def _without_address(text: str) -> str:
    """No secret, and of NOTIFY_URL neither path nor query, which an error may name without its host."""
    parts = urlsplit(variable("NOTIFY_URL"))
    for secret in (parts.path, parts.query):
        text = text.replace(secret, "***") if len(secret) > 1 else text
    return without_secrets(text)


def _text(notice: Notice) -> str:
    return f"{notice['kind'].upper()} {notice['where']} {notice['night']}: {notice['message']}"


def _short(notice: Notice, facts: list[Facts]) -> str:
    """For chat: what held the night back, a block a check; the whole message where it was no check."""
    if not facts:
        return _text(notice)
    blocks = ["\n".join(f"{name:<10}  {value}" for name, value in found) for found in facts]
    return "\n\n".join([f"{notice['kind'].upper()} {notice['where']} {notice['night']}", *blocks])


def _page(notice: Notice, facts: list[Facts]) -> str:
    """For mail: the same as tables, then the message; nothing in it is markup but ours."""
    row = '<tr><th align="left" valign="top">{}</th><td>{}</td></tr>'
    tables = [
        "".join(["<table>", *(row.format(*map(html.escape, fact)) for fact in found), "</table><br>"])
        for found in facts
    ]
    return "".join([*tables, f"<pre>{html.escape(notice['message'])}</pre><p>{notice['sent_at']}</p>"])


def _mail(notice: Notice, facts: list[Facts]) -> None:
    from airflow.providers.smtp.notifications.smtp import SmtpNotifier

    host, _, port = variable("NOTIFY_SMTP", "localhost:25").partition(":")
    user = variable("NOTIFY_SMTP_USER")
    login = {"login": user, "password": variable("NOTIFY_SMTP_PASSWORD")} if user else {}
    # Where it logs in it is over TLS, else as the server takes it.
    extra = {"disable_ssl": True, "disable_tls": not user, "timeout": TIMEOUT_SECONDS, "retry_limit": 0}
    _connect_by({"conn_type": "smtp", "host": host, "port": int(port or 25), **login, "extra": extra})
    subject = f"Reverse logistics: {notice['kind']} {notice['where']} {notice['night']}"
    SmtpNotifier(
        to=variable("NOTIFY_EMAIL", "root@localhost"),
        from_email=variable("NOTIFY_FROM", "reverse-logistics@localhost"),
        subject=subject.strip(), html_content=_page(notice, facts), smtp_conn_id=CONNECTION,
    ).notify({})  # fmt: skip


def _slack(notice: Notice, facts: list[Facts]) -> None:
    from airflow.providers.slack.notifications.slack_webhook import SlackWebhookNotifier

    _connect_by({"conn_type": "slackwebhook", "password": _url()})
    SlackWebhookNotifier(
        slack_webhook_conn_id=CONNECTION, text=slack(_short(notice, facts)), timeout=TIMEOUT_SECONDS,
        unfurl_links=False, unfurl_media=False, retry_handlers=[],
    ).notify({})  # fmt: skip


def _post(notice: Notice, facts: list[Facts]) -> None:
    from airflow.providers.http.notifications.http import HttpNotifier

    _connect_by({"conn_type": "http", "host": _url()})
    HttpNotifier(
        http_conn_id=CONNECTION, json={**notice, "text": chat(_short(notice, facts))},
        extra_options={"timeout": TIMEOUT_SECONDS},
    ).notify({})  # fmt: skip


def _url() -> str:
    url = variable("NOTIFY_URL")
    if not url.startswith(("https://", "http://")):
        raise ValueError("NOTIFY_URL is no http(s) address")
    return url


def _connect_by(parts: dict[str, Any]) -> None:
    """Give the providers server, login and address as the connection that they look for."""
    kept = variable("NOTIFY_CONNECTION")
    os.environ[VARIABLE] = kept or json.dumps(parts)


Facts = list[tuple[str, str]]
Channel = Callable[[Notice, list[Facts]], None]
CHANNELS: dict[str, Channel] = {"smtp": _mail, "slack": _slack, "webhook": _post}
