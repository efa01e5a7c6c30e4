"""Superset on loopback: its own environment, metadata database and process; start, stop, and what it is told.

It pins libraries that the pipeline has newer, so it never shares an environment with it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

import psutil
from psycopg.conninfo import conninfo_to_dict

from revlog.companies.company import reporting_currency
from revlog.config.redaction import environment_without_secrets, without_secrets
from revlog.config.secrets import secret
from revlog.config.settings import ROOT, settings, variable
from revlog.database import server
from revlog.database.connections import dsn, must_exist
from revlog.outputs.files import FOR_OWNER, own_folder, write_text

BI = ROOT / "bi"
READERS = ("bi_reader", "finance_reader")
USERS = {
    "reader": "all dashboards but Finance",
    "finance": "all dashboards",
    "admin": "everything; for setting up",
}
PREFERRED_PORT = 8088
START_SECONDS = 180
STOP_SECONDS = 5
THREADS = 8


class SupersetError(RuntimeError):
    """Superset did not do what it was asked; the message says what to look at."""


def environment_folder() -> Path:
    """Superset's own virtual environment; `make bi` makes it. BI_ENVIRONMENT names another one."""
    return Path(variable("BI_ENVIRONMENT") or ROOT / ".venv-bi")


def home() -> Path:
    """Folder of the metadata database, the log and the logins."""
    return own_folder(settings().var / "superset")


def up(say: Callable[[str], object] = lambda text: None) -> str:
    """Start Superset where it does not run, with everything in `bi/assets` imported; returns what to tell.

    Raises SupersetError where the environment is missing or a step fails.
    """
    if not (environment_folder() / "bin" / "gunicorn").exists():
        raise SupersetError(f"there is no Superset in {environment_folder()}; make bi installs it")
    if settings().warehouse_dsn is None and server.exists():
        server.start()
    must_exist()
    mark = _fingerprint()
    is_new = _prepared() != mark
    if is_new and _process():
        down()
    if is_new:
        say("Superset: metadata database, roles, users, dashboards")
        _install()
        (home() / "prepared").write_text(mark)
    if not _process():
        say("Superset: starting")
        _start()
    _keep_passwords()
    return _where()


def down() -> bool:
    """Stop Superset; returns whether it ran."""
    process = _process()
    if process is None:
        return False
    family = [process, *process.children(recursive=True)]
    process.terminate()
    _, alive = psutil.wait_procs(family, timeout=2 * STOP_SECONDS)
    for left in alive:
        left.kill()
    (home() / "process.json").unlink(missing_ok=True)
    return True


def url() -> str:
    """Where Superset listens, on loopback only."""
    return f"http://127.0.0.1:{_port()}"


def password(user: str) -> str:
    """Password of one of USERS; generated on first use, or REVLOG_PASSWORD_SUPERSET_<USER>."""
    return secret(f"superset_{user}")


def environment() -> dict[str, str]:
    """What Superset's processes are told: no secret but the readers' passwords and its own."""
    login = conninfo_to_dict(dsn("bi_reader"))
    known = ("host", "port", "dbname", "user", "password")
    extra = {name: value for name, value in login.items() if name not in known}
    address = f"{login['host']}:{login['port']}/{login['dbname']}"
    inherited = {k: v for k, v in environment_without_secrets().items() if k != "PYTHONPATH"}
    return inherited | {
        "SUPERSET_HOME": str(home()),
        "SUPERSET_CONFIG_PATH": str(BI / "superset_config.py"),
        "SUPERSET_SECRET_KEY": secret("superset_key"),
        "FLASK_APP": "superset.app:create_app()",
        "BI_ADDRESS": address + (f"?{urlencode(extra)}" if extra else ""),
        "BI_CURRENCY": reporting_currency(),
        **{f"BI_{role.upper()}": secret(role) for role in READERS},
        **{f"BI_SUPERSET_{user.upper()}": password(user) for user in USERS},
        "SCARF_ANALYTICS": "false",
        "DO_NOT_TRACK": "1",
    }


def _install() -> None:
    done = subprocess.run(
        [str(environment_folder() / "bin" / "python"), str(BI / "install.py")],
        env=environment(), cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    (home() / "install.log").write_text(without_secrets(done.stdout + done.stderr))
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
        raise SupersetError(
            f"bi/install.py failed, the whole log is {home() / 'install.log'}:\n{without_secrets(tail)}"
        )


def _start() -> None:
    """One process with threads: caches are in its memory."""
    port = _settled_port()
    log = (home() / "superset.log").open("ab")
    process = subprocess.Popen(
        [
            str(environment_folder() / "bin" / "gunicorn"), "--bind", f"127.0.0.1:{port}", "--workers", "1",
            "--worker-class", "gthread", "--threads", str(THREADS), "--timeout", "120",
            "--graceful-timeout", str(STOP_SECONDS),
            "superset.app:create_app()",
        ],
        env=environment(), cwd=home(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        start_new_session=True,
    )  # fmt: skip
    born = psutil.Process(process.pid).create_time()
    (home() / "process.json").write_text(json.dumps({"pid": process.pid, "born": born}))
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(urllib.error.URLError, OSError):
            urllib.request.urlopen(f"{url()}/health", timeout=5).close()
            return
        time.sleep(0.5)
    down()
    raise SupersetError(f"Superset did not start; see {home() / 'superset.log'}")


def _process() -> psutil.Process | None:
    """The process that was started here, where it lives."""
    file = home() / "process.json"
    if not file.exists():
        return None
    kept = json.loads(file.read_text())
    with contextlib.suppress(psutil.Error):
        found = psutil.Process(kept["pid"])
        if abs(found.create_time() - kept["born"]) < 1 and found.status() != psutil.STATUS_ZOMBIE:
            return found
    return None


def _port() -> int:
    file = home() / "port"
    return int(file.read_text()) if file.exists() else _settled_port()


def _settled_port() -> int:
    """BI_PORT, else the port of the last start where it is free, else another."""
    file = home() / "port"
    wanted = int(variable("BI_PORT") or (file.read_text() if file.exists() else PREFERRED_PORT))
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            if variable("BI_PORT"):
                raise SupersetError(f"port {wanted} is taken, and BI_PORT names it") from None
            probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    file.write_text(str(port))
    return port


def _fingerprint() -> str:
    """What the metadata database was made from; another one is brought up to date."""
    digest = hashlib.sha256()
    for file in (ROOT / "requirements-bi.lock", *sorted(BI.glob("*.py")), *sorted(BI.rglob("*.yaml"))):
        digest.update(file.read_bytes())
    told = {name: value for name, value in environment().items() if name.startswith(("BI_", "SUPERSET_"))}
    digest.update(json.dumps(told, sort_keys=True).encode())
    return digest.hexdigest()


def _prepared() -> str:
    file = home() / "prepared"
    is_there = file.exists() and (home() / "superset.db").exists()
    return file.read_text() if is_there else ""


def _keep_passwords() -> None:
    logins = json.dumps({user: password(user) for user in USERS}, indent=1)
    write_text(home() / "passwords.json", logins, FOR_OWNER)


def _where() -> str:
    width = max(map(len, USERS))
    logins = "\n".join(f"                 {user:<{width}}  {what}" for user, what in USERS.items())
    return (
        "Superset is up.\n"
        f"  dashboards     {url()}/dashboard/list/\n"
        f"  log in as      {logins.lstrip()}\n"
        f"  passwords      {home() / 'passwords.json'}\n"
        "  stop           make bi-stop"
    )
