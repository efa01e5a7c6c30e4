"""Where files lie: a folder, or a bucket or server that LANDING_URL names.

Credentials are those of the storage's own tools, from the environment or `.env`; a URL that holds one is
refused.
What lies elsewhere is downloaded once, whole, into a nameless file of the disk, and read from there: every
reading of it sees the same bytes, and nothing of it stays when the process ends.
"""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast
from urllib.parse import urlsplit

import fsspec
from dotenv import dotenv_values

from warehouse.settings import SettingsError, env_file, settings, variable

# What the storages' own tools read; from `.env`, too, though an environment wins.
CREDENTIALS = ("AWS_", "GOOGLE_", "AZURE_", "STORAGE_EMULATOR_HOST")
# Seconds until a storage that doesn't answer is given up, and tries at each request.
CONNECT, READ, TRIES = 5, 60, 2
# Downloads that are kept for another reading in the same process, in bytes; the newest always is.
KEPT_BYTES = 4 << 30
BUCKETS = ("s3", "s3a", "gs", "gcs", "abfs", "abfss", "az")


class StorageError(SettingsError):
    """The landing zone can't be reached or listed; the message says where, and what to do."""


class FileDenied(PermissionError):
    """One file may not be read."""


def zone() -> tuple[Any, str]:
    """The filesystem of the landing zone, and its root there."""
    url = settings().landing
    if not is_remote():
        return cast("tuple[Any, str]", fsspec.url_to_fs(url))
    if urlsplit(url).password is not None or "?" in url:
        raise StorageError(
            "LANDING_URL holds a password or a key, which logs and messages would show: leave it out, and"
            " give it as docs/how-to/where-files-lie.md says"
        )
    for name, value in dotenv_values(env_file()).items():
        if value and name.startswith(CREDENTIALS):
            os.environ.setdefault(name, value)
    with reached():
        filesystem, root = fsspec.url_to_fs(url, **_options(_scheme()))
    if _scheme() in ("s3", "s3a"):
        filesystem.retries = TRIES
    return filesystem, str(root)


def is_remote() -> bool:
    """True where files must be fetched to be read."""
    return _scheme() not in ("", "file", "local")


def entries(filesystem: Any, path: str) -> list[dict[str, Any]]:
    """What lies in a folder as it is now; nothing where there is no such folder.

    Raises StorageError where the storage can't be asked, or has no such bucket.
    """
    if not is_remote():
        return (
            cast("list[dict[str, Any]]", filesystem.ls(path, detail=True)) if filesystem.isdir(path) else []
        )
    filesystem.invalidate_cache(path)
    with reached():
        try:
            found = filesystem.ls(path, detail=True)
        except FileNotFoundError:
            _require_top(filesystem)
            return []
    return [
        {**entry, "name": str(entry["name"])}
        for entry in found
        if entry["name"].strip("/") != path.strip("/")
    ]


def opened(path: str, look: str) -> IO[bytes]:
    """Content of the file that looks so; one that lies elsewhere is downloaded once."""
    filesystem, _ = zone()
    if not is_remote():
        return cast("IO[bytes]", filesystem.open(path, "rb"))
    return _downloads.opened(filesystem, path, look)


@contextlib.contextmanager
def reached() -> Iterator[None]:
    """Tell what keeps the storage from answering, without its own words, which may quote a key."""
    try:
        yield
    except (StorageError, FileNotFoundError, FileDenied):
        raise
    except Exception as error:
        raise StorageError(f"the landing zone {_shown()} {_remedy(error)}; nothing was loaded") from None


def _scheme() -> str:
    head, separator, _ = settings().landing.partition("://")
    return head.lower() if separator else ""


def _shown() -> str:
    """The URL without its user."""
    url = urlsplit(settings().landing)
    return f"{url.scheme}://{url.netloc.rpartition('@')[2]}{url.path}"


def _options(scheme: str) -> dict[str, Any]:
    if scheme in ("s3", "s3a"):
        config = {"connect_timeout": CONNECT, "read_timeout": READ, "retries": {"total_max_attempts": TRIES}}
        return {"config_kwargs": config, "max_concurrency": 1}
    if scheme in ("gs", "gcs"):
        # Read at import: the library's newer ways ask Google itself, also where an emulator is named.
        os.environ.setdefault("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
        # An emulator has no logins.
        token = {"token": "anon"} if os.environ.get("STORAGE_EMULATOR_HOST") else {}
        return {"requests_timeout": READ, **token}
    if scheme in ("abfs", "abfss", "az"):
        return {"connection_timeout": CONNECT, "read_timeout": READ, "max_concurrency": 1}
    if scheme in ("sftp", "ssh"):
        return _sftp_options()
    raise StorageError(
        f"LANDING_URL begins with {scheme}://; files are read from a folder, s3://, gs://, abfs:// or sftp://"
    )


def _sftp_options() -> dict[str, Any]:
    """Login and host keys; without them those of `~/.ssh`, as `sftp` has them."""
    known = Path(variable("SFTP_KNOWN_HOSTS") or "~/.ssh/known_hosts").expanduser()
    if not known.is_file():
        raise StorageError(
            f"the host key of the SFTP server is not known: {known} is missing. Write it with ssh-keyscan and"
            " compare its fingerprint with the server's owner, or name another file in SFTP_KNOWN_HOSTS"
        )
    found: dict[str, Any] = {
        "known_hosts": str(known), "connect_timeout": CONNECT, "login_timeout": 2 * CONNECT,
        "keepalive_interval": READ // 4,
    }  # fmt: skip
    if password := variable("SFTP_PASSWORD"):
        found["password"] = password
    if key := variable("SFTP_KEY_FILE"):
        found["client_keys"] = [str(Path(key).expanduser())]
    return found


def _require_top(filesystem: Any) -> None:
    """Raise StorageError where not the folder alone, but the bucket or the zone itself is missing."""
    _, root = zone()
    top = root.strip("/").partition("/")[0] if _scheme() in BUCKETS else root
    try:
        filesystem.ls(top, detail=True)
    except FileNotFoundError:
        what = "bucket or container" if _scheme() in BUCKETS else "folder"
        raise StorageError(
            f"the landing zone {_shown()} is not there: the storage has no such {what}, or shows it to nobody"
            " with this login; correct LANDING_URL. Nothing was loaded"
        ) from None


def _kinds(error: BaseException) -> str:
    """Names and codes of an error and of those behind it."""
    found, seen = "", cast("BaseException | None", error)
    while seen is not None:
        found += f" {type(seen).__name__} {getattr(seen, 'status', '')} {getattr(seen, 'code', '')}".lower()
        seen = seen.__cause__ or seen.__context__
    return found


def _is_denied(error: BaseException) -> bool:
    return any(word in _kinds(error) for word in _DENIED)


def _remedy(error: Exception) -> str:
    kinds = _kinds(error)
    if "hostkey" in kinds:
        return "shows another host key than the known one; ask the server's owner before you trust it"
    if _is_denied(error):
        return "refuses the login or its rights; look at the credentials (docs/how-to/where-files-lie.md)"
    if any(word in kinds for word in _UNREACHED):
        return "does not answer; look at host, port and network"
    return f"can't be read ({type(error).__name__}); look at LANDING_URL and at the storage's own log"


_DENIED = (
    "permission", "credential", "auth", "forbidden", "unauthorized", "accessdenied", " 401", " 403",
    "keyimport",
)  # fmt: skip
_UNREACHED = ("connect", "timeout", "gaierror", "servicerequest", "oserror", "unreachable", "transport")


class _Downloads:
    """Files that were fetched, by place and look; the oldest give way."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str, str], IO[bytes]] = OrderedDict()
        self._lock = threading.Lock()

    def opened(self, filesystem: Any, path: str, look: str) -> IO[bytes]:
        key = (settings().landing, path, look)
        with self._lock:
            if key not in self._kept:
                self._kept[key] = _fetched(filesystem, path)
                self._give_way()
            self._kept.move_to_end(key)
            return io.BufferedReader(_Reading(self._kept[key]), 1 << 20)

    def _give_way(self) -> None:
        while len(self._kept) > 1 and sum(map(_size, self._kept.values())) > KEPT_BYTES:
            self._kept.popitem(last=False)


def _size(file: IO[bytes]) -> int:
    return os.fstat(file.fileno()).st_size


def _fetched(filesystem: Any, path: str) -> IO[bytes]:
    """The file at `path`, in one download; it has no name any more when this returns."""
    with tempfile.TemporaryDirectory(prefix="revlog-") as folder:
        target = Path(folder) / "file"
        with reached():
            try:
                filesystem.get_file(path, str(target))
            except Exception as error:
                if _is_denied(error):  # of this file: the folder was listed
                    raise FileDenied from None
                raise
        return target.open("rb")


class _Reading(io.RawIOBase):
    """One reading of a file that others read, too: it has a place of its own."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._at = file, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: _size(self._file)}[whence]
        self._at = max(base + offset, 0)
        return self._at

    def readinto(self, buffer: Any) -> int:
        block = os.pread(self._file.fileno(), len(buffer), self._at)
        buffer[: len(block)] = block
        self._at += len(block)
        return len(block)


_downloads = _Downloads()
