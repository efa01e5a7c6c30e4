"""Tell somebody that a night failed or is late: by log (default), e-mail or webhook.

NOTIFY_CHANNEL is `log`, `smtp` or `webhook`; NOTIFY_EMAIL the address, NOTIFY_SMTP `host:port`,
NOTIFY_URL where the webhook posts JSON. Every notice is also kept in `notices.jsonl`.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import logging
import os
import smtplib
import urllib.request
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from warehouse.settings import settings

log = logging.getLogger("reverse_logistics.notices")
TIMEOUT_SECONDS = 10


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


async def late(dag: str = "", **_: Any) -> None:
    """Deadline callback: a night has not ended in time."""
    await asyncio.to_thread(
        send, "late", dag, "", "the night has not finished in time; see the runbook, 'A late night'"
    )


def send(kind: str, where: str, night: str, message: str) -> None:
    """Send one notice; a channel that fails is logged and never hides the notice itself."""
    notice = {
        "kind": kind,
        "where": where,
        "night": night,
        "message": message[:4000],
        "sent_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
    }
    _keep(notice)
    log.error("%s %s %s: %s", kind.upper(), where, night, message)
    channel = os.environ.get("NOTIFY_CHANNEL", "log")
    try:
        if channel == "smtp":
            _mail(notice)
        elif channel == "webhook":
            _post(notice)
        elif channel != "log":
            log.error("NOTIFY_CHANNEL=%s is not log, smtp or webhook", channel)
    except OSError as error:
        log.error("the notice could not be sent by %s: %s", channel, error)


def _keep(notice: dict[str, str]) -> None:
    path = notices_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(notice, ensure_ascii=False) + "\n")


def _mail(notice: dict[str, str]) -> None:
    mail = EmailMessage()
    mail["Subject"] = f"Reverse logistics: {notice['kind']} {notice['where']} {notice['night']}"
    mail["To"] = os.environ.get("NOTIFY_EMAIL", "root@localhost")
    mail["From"] = os.environ.get("NOTIFY_FROM", "reverse-logistics@localhost")
    mail.set_content(notice["message"])
    host, _, port = os.environ.get("NOTIFY_SMTP", "localhost:25").partition(":")
    with smtplib.SMTP(host, int(port or 25), timeout=TIMEOUT_SECONDS) as server:
        server.send_message(mail)


def _post(notice: dict[str, str]) -> None:
    request = urllib.request.Request(
        os.environ.get("NOTIFY_URL", ""),
        data=json.dumps(notice).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS):
        pass
