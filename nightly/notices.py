"""Tell somebody that a night failed or is late: by log (default), e-mail or webhook.

NOTIFY_CHANNEL is `log`, `smtp` or `webhook`.

- `smtp`: NOTIFY_EMAIL is the address, NOTIFY_SMTP `host:port`, NOTIFY_FROM the sender. With
  NOTIFY_SMTP_USER and NOTIFY_SMTP_PASSWORD it logs in, over TLS only.
- `webhook`: NOTIFY_URL takes the notice as JSON; its `text` is what Slack, Mattermost and the like show.

Whatever the channel does, every notice is in the log and in `notices.jsonl`, without any secret, and
sending ends after SEND_SECONDS.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import logging
import smtplib
import ssl
import stat
import threading
import urllib.request
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from outputs.escaping import chat, lines, one_line
from outputs.files import own_folder
from warehouse.redaction import without_secrets
from warehouse.settings import settings, variable

log = logging.getLogger("reverse_logistics.notices")
# For one answer of a server, and for all of them together.
TIMEOUT_SECONDS = 10
SEND_SECONDS = 30
MOST_CHARACTERS = 4000


def notices_file() -> Path:
    """Where every notice is kept, one JSON object a line."""
    return settings().var / "log" / "notices.jsonl"


def failed(context: Any) -> None:
    """Airflow's failure callback: names DAG, task, night and the task's own message."""
    instance = context.get("task_instance") or context.get("ti")
    run = context.get("dag_run")
    send(
        "failed",
        f"{instance.dag_id}.{instance.task_id}",
        getattr(run, "partition_key", None) or "",
        str(context.get("exception") or "no message; see the task's log"),
    )


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


def send(kind: str, where: str, night: str, message: str) -> None:
    """Send one notice; never raises, so that what it tells of stays the task's own error."""
    notice = {
        "kind": kind,
        "where": one_line(where),
        "night": one_line(night),
        "message": lines(without_secrets(message))[:MOST_CHARACTERS],
        "sent_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
    }
    log.error("%s", _text(notice))
    _keep(notice)
    channel = variable("NOTIFY_CHANNEL", "log")
    if channel == "log":
        return
    if channel not in CHANNELS:
        log.error("NOTIFY_CHANNEL=%s is not log, smtp or webhook", channel)
    elif problem := _sent(CHANNELS[channel], notice):
        log.error("the notice could not be sent by %s: %s", channel, problem)


def _is_past(night: str) -> bool:
    """True for a date before the one that ended last: only a backfill runs it."""
    from warehouse import clock

    try:
        return dt.date.fromisoformat(night) < clock.today() - dt.timedelta(days=1)
    except ValueError:
        return False


def _keep(notice: dict[str, str]) -> None:
    try:
        path = notices_file()
        # In Docker the stages' users share it: init has made it so.
        if not (path.parent.exists() and path.parent.stat().st_mode & stat.S_ISGID):
            own_folder(path.parent)
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(notice, ensure_ascii=False) + "\n")
    except OSError as error:
        log.error("the notice could not be kept: %s", error)


def _sent(channel: Callable[[dict[str, str]], None], notice: dict[str, str]) -> str:
    """Send by a thread that is given SEND_SECONDS; returns what went wrong, empty where nothing did.

    Timeouts of sockets do not bound a server that answers byte by byte, or a name that never resolves.
    """
    problem = [f"no answer within {SEND_SECONDS} seconds"]

    def attempt() -> None:
        try:
            channel(notice)
            problem[0] = ""
        except Exception as error:
            problem[0] = without_secrets(f"{type(error).__name__}: {error}")

    thread = threading.Thread(target=attempt, daemon=True)
    thread.start()
    thread.join(SEND_SECONDS)
    return problem[0]


def _text(notice: dict[str, str]) -> str:
    return f"{notice['kind'].upper()} {notice['where']} {notice['night']}: {notice['message']}"


def _mail(notice: dict[str, str]) -> None:
    mail = EmailMessage()
    mail["Subject"] = f"Reverse logistics: {notice['kind']} {notice['where']} {notice['night']}".strip()
    mail["To"] = variable("NOTIFY_EMAIL", "root@localhost")
    mail["From"] = variable("NOTIFY_FROM", "reverse-logistics@localhost")
    mail.set_content(f"{notice['message']}\n\n{notice['sent_at']}")
    host, _, port = variable("NOTIFY_SMTP", "localhost:25").partition(":")
    with smtplib.SMTP(host, int(port or 25), timeout=TIMEOUT_SECONDS) as server:
        if user := variable("NOTIFY_SMTP_USER"):
            server.starttls(context=ssl.create_default_context())
            server.login(user, variable("NOTIFY_SMTP_PASSWORD"))
        server.send_message(mail)


def _post(notice: dict[str, str]) -> None:
    url = variable("NOTIFY_URL")
    if not url.startswith(("https://", "http://")):
        raise ValueError("NOTIFY_URL is no http(s) address")
    request = urllib.request.Request(
        url,
        data=json.dumps({**notice, "text": chat(_text(notice))}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS):
        pass


CHANNELS: dict[str, Callable[[dict[str, str]], None]] = {"smtp": _mail, "webhook": _post}
