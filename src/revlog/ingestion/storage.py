"""Where files lie: a folder, or a bucket or server that LANDING_URL names.

Credentials are those of the storage's own tools, from the environment or `.env`.
What lies elsewhere is downloaded once, whole, into a nameless file of the disk, and read from there: every
reading of it sees the same bytes, and nothing of it stays when the process ends.
"""

from __future__ import annotations

import contextlib
import io
import logging
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

from revlog.config.refusal import Refusal
from revlog.config.secrets import secrets_folder
from revlog.config.settings import env_file, settings, variable
from revlog.database import full_disk
from revlog.outputs.escaping import one_line
from revlog.outputs.files import FOR_GROUP, replacing

# What the storages' own tools read, and SFTP_ of this; from `.env`, too, though the environment wins.
CREDENTIALS = ("AWS_", "GOOGLE_", "AZURE_", "STORAGE_EMULATOR_HOST", "SFTP_")
# In the folder of REVLOG_SECRETS: the same, for the loader alone; and for the sender, with its own settings.
HANDED_OUT, HANDED_TO_SENDER = "storage.env", "outbound.env"
# Seconds until a storage that doesn't answer is given up, and tries at each request.
CONNECT, READ, TRIES = 5, 60, 2
# Downloads that are kept for another reading in the same process, in bytes; the newest always is.
KEPT_BYTES = 1 << 30
S3, GOOGLE, AZURE, SFTP = ("s3", "s3a"), ("gs", "gcs"), ("abfs", "abfss", "az"), ("sftp", "ssh")
# They tell each try that failed, with addresses; what is to be said is in the error.
CHATTY = ("gcsfs", "asyncssh", "azure", "aiobotocore", "botocore", "s3fs", "adlfs")


class StorageError(Refusal):
    """The landing zone can't be read; the message says where, and what to do."""


class Denied(StorageError):
    """The storage knows no such login, or gives it no right."""


class Unreached(StorageError):
    """The storage does not answer, or this machine has no room; a little later it may go well."""


class FileDenied(PermissionError):
    """One file may not be read."""


def zone() -> tuple[Any, str]:
    """The filesystem of the landing zone, and its root there."""
    return _filesystem(settings().landing)


def entries(filesystem: Any, path: str) -> list[dict[str, Any]]:
    """What lies in a folder as it is now; nothing where there is no such folder.

    Raises StorageError where the storage can't be asked, or has no such bucket.
    """
    url = settings().landing
    filesystem.invalidate_cache(path)
    with reached(url):
        if not is_remote(url):
            return list(filesystem.ls(path, detail=True)) if filesystem.isdir(path) else []
        try:
            found = filesystem.ls(path, detail=True)
        except FileNotFoundError:
            _require_top(filesystem, url)
            return []
    return [
        {**entry, "name": str(entry["name"]).rstrip("/")}
        for entry in found
        if entry["name"].strip("/") != path.strip("/")
    ]


def entry_of(path: str) -> dict[str, Any] | None:
    """A file as it lies there now; None where it has gone, or may not be looked at."""
    filesystem, _ = zone()
    filesystem.invalidate_cache(path.rpartition("/")[0])
    try:
        with reached(settings().landing):
            return cast("dict[str, Any]", filesystem.info(path))
    except (FileNotFoundError, Denied):
        return None


def opened(path: str, look: str) -> IO[bytes]:
    """Content of the file that looks so; one that lies elsewhere is downloaded once."""
    filesystem, _ = zone()
    if not is_remote(settings().landing):
        return cast("IO[bytes]", filesystem.open(path, "rb"))
    return _downloads.opened(filesystem, path, look)


def forget() -> None:
    """Give back the room that downloads take."""
    _downloads.forget()


@contextlib.contextmanager
def at_hand(file: str) -> Iterator[Path]:
    """A file of this machine, or a copy of one that lies elsewhere, under its name and for this long."""
    if not is_remote(file):
        yield Path(file)
        return
    filesystem, path = _filesystem(file)
    with tempfile.TemporaryDirectory(prefix="revlog-") as folder:
        copy = Path(folder) / one_line(path.rsplit("/", 1)[-1])
        with reached(file):
            try:
                _save(filesystem, path, copy)
            except FileNotFoundError:
                raise StorageError(f"there is no file {shown(file)}") from None
        yield copy


def is_remote(url: str) -> bool:
    """True where files must be fetched to be read."""
    return _scheme(url) not in ("", "file", "local")


def shown(url: str) -> str:
    """The URL without its user."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}" if "://" in url else url


def put(url: str, name: str, content: bytes) -> None:
    """Put a file into a folder that is there, a bucket or a server: all of it or nothing.

    One that lies there with these bytes stays as it is. Raises StorageError.
    """
    what = "the destination"
    filesystem, root = _filesystem(url, what)
    path = f"{root.rstrip('/')}/{name}"
    with reached(url, what):
        if _scheme(url) not in (*S3, *GOOGLE, *AZURE) and not filesystem.isdir(root):
            raise StorageError(
                f"{what} {shown(url)} has no such folder: make it, or correct the address. Nothing was put"
            )
        filesystem.invalidate_cache(root)
        try:
            if not _holds(filesystem, path, content):
                _put_whole(filesystem, url, path, content)
        except FileNotFoundError:
            raise StorageError(f"{what} {shown(url)} is not there: correct the address, or make it") from None


def _holds(filesystem: Any, path: str, content: bytes) -> bool:
    try:
        if filesystem.info(path)["size"] != len(content):
            return False
        return bool(filesystem.cat_file(path) == content)
    except FileNotFoundError:
        return False


def _put_whole(filesystem: Any, url: str, path: str, content: bytes) -> None:
    """Buckets show an object when it is whole; elsewhere it gets its name when it is."""
    if not is_remote(url):
        with replacing(Path(path), FOR_GROUP) as file:
            file.write(content)
    elif _scheme(url) in SFTP:
        folder, _, name = path.rpartition("/")
        part = f"{folder}/.{name}.part"
        filesystem.pipe_file(part, content)
        filesystem.mv(part, path)
    else:
        filesystem.pipe_file(path, content)


@contextlib.contextmanager
def reached(url: str, what: str = "the landing zone") -> Iterator[None]:
    """Tell what keeps the storage from answering, without its own words, which may quote a key."""
    try:
        yield
    except (StorageError, FileNotFoundError, FileDenied):
        raise
    except Exception as error:
        raise _told(error, f"{what} {shown(url)}") from None


def _filesystem(url: str, what: str = "the landing zone") -> tuple[Any, str]:
    if not is_remote(url):
        return cast("tuple[Any, str]", fsspec.url_to_fs(url))
    for name, value in given(CREDENTIALS).items():
        os.environ.setdefault(name, value)
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    options = _options(_scheme(url))
    with reached(url, what):
        filesystem, root = fsspec.url_to_fs(url, **options)
    if _scheme(url) in S3:
        filesystem.retries = TRIES
    return filesystem, str(root)


def given(prefixes: tuple[str, ...]) -> dict[str, str]:
    """Settings that begin so, of `.env` and of the files that init hands out to the loader and the sender."""
    files = [env_file()]
    if folder := secrets_folder():
        files += [folder / HANDED_OUT, folder / HANDED_TO_SENDER]
    read = [dotenv_values(file, interpolate=False) for file in files if os.access(file, os.R_OK)]
    return {k: v for values in reversed(read) for k, v in values.items() if v and k.startswith(prefixes)}


def _scheme(url: str) -> str:
    head, separator, _ = url.partition("://")
    return head.lower() if separator else ""


def _options(scheme: str) -> dict[str, Any]:
    if scheme in S3:
        config = {"connect_timeout": CONNECT, "read_timeout": READ, "retries": {"total_max_attempts": TRIES}}
        return {"config_kwargs": config, "max_concurrency": 1}
    if scheme in GOOGLE:
        # Read at import: the library's newer ways ask Google itself, also where an emulator is named.
        os.environ.setdefault("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
        # An emulator has no logins.
        token = {"token": "anon"} if os.environ.get("STORAGE_EMULATOR_HOST") else {}
        return {"requests_timeout": READ, **token}
    if scheme in AZURE:
        return {"connection_timeout": CONNECT, "read_timeout": READ, "max_concurrency": 1}
    if scheme in SFTP:
        return _sftp_options()
    raise StorageError(
        f"files are read from a folder, s3://, gs://, abfs:// or sftp://, not from {scheme}://"
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


def _require_top(filesystem: Any, url: str) -> None:
    """Raise StorageError where not the folder alone, but the bucket or the zone itself is missing."""
    _, root = _filesystem(url)
    is_bucket = _scheme(url) not in SFTP
    try:
        filesystem.ls(root.strip("/").partition("/")[0] if is_bucket else root, detail=True)
    except FileNotFoundError:
        what = "bucket or container" if is_bucket else "folder"
        raise StorageError(
            f"the landing zone {shown(url)} is not there: the storage has no such {what}, or shows it to"
            " nobody with this login; correct LANDING_URL. Nothing was loaded"
        ) from None


# -- what an error of a storage's library means


def _told(error: Exception, where: str) -> StorageError:
    kinds = _kinds(error)
    if full_disk.is_full(error):
        return Unreached(
            full_disk.told("TMPDIR names another folder.", f"the disk of {tempfile.gettempdir()}")
        )
    if "hostkey" in kinds:
        return StorageError(
            f"{where} shows another host key than the known one; ask the server's owner before you trust it"
        )
    if _is_denied(error):
        return Denied(
            f"{where} refuses the login or its rights; look at the credentials and at what they may read"
            " (docs/how-to/where-files-lie.md)"
        )
    if any(word in kinds for word in _UNREACHED):
        return Unreached(f"{where} does not answer; look at host, port and network, then run it again")
    return StorageError(
        f"{where} can't be read ({type(error).__name__}); look at the URL, and at the storage's own log"
    )


def _kinds(error: BaseException) -> str:
    """Names and codes of an error and of those behind it."""
    found, seen = "", cast("BaseException | None", error)
    while seen is not None:
        codes = (str(getattr(seen, name, "")) for name in ("status", "status_code", "code"))
        found += f" {type(seen).__name__} {' '.join(codes)}".lower()
        # Google's library says it in words only.
        found += " forbidden" if str(seen).startswith("Forbidden") else ""
        seen = seen.__cause__ or seen.__context__
    return found


def _is_denied(error: BaseException) -> bool:
    return any(word in _kinds(error) for word in _DENIED)


_DENIED = (
    "permission", "credential", "auth", "forbidden", "unauthorized", "accessdenied", " 401", " 403",
    "keyimport",
)  # fmt: skip
_UNREACHED = ("connect", "timeout", "gaierror", "servicerequest", "oserror", "unreachable", "transport")


# -- downloads


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

    def forget(self) -> None:
        with self._lock:
            self._kept.clear()

    def _give_way(self) -> None:
        while len(self._kept) > 1 and sum(map(_size, self._kept.values())) > KEPT_BYTES:
            self._kept.popitem(last=False)


def _size(file: IO[bytes]) -> int:
    return os.fstat(file.fileno()).st_size


def _fetched(filesystem: Any, path: str) -> IO[bytes]:
    """The file at `path`, in one download; it has no name any more when this returns."""
    with tempfile.TemporaryDirectory(prefix="revlog-") as folder:
        target = Path(folder) / "file"
        with reached(settings().landing):
            try:
                _save(filesystem, path, target)
            except Exception as error:
                if _is_denied(error):  # of this file: the folder was listed
                    raise FileDenied from None
                raise
        return target.open("rb")


def _save(filesystem: Any, path: str, target: Path) -> None:
    # Else Google's library asks for parts of a large file at once, and keeps them in memory.
    options = {"concurrency": 1} if filesystem.protocol == GOOGLE else {}
    filesystem.get_file(path, str(target), **options)


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
