"""Real servers on this machine that hold landing zones: S3, Google's and Azure's buckets, SFTP."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import asyncssh
import fsspec
import pytest
import requests
from gcp_storage_emulator.server import create_server
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

SECRET = "wrong-or-right-nobody-may-read-this"
# The account and key that every Azurite has.
AZURE_ACCOUNT = "devstoreaccount1"
AZURE_KEY = (
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq"  # pragma: allowlist secret
    "/K1SZFPTOtr/KBHBeksoGMGw=="
)


@dataclass
class Storage:
    """A storage that listens here: what a pipeline has to know of it, and what it was asked.

    `write` and `remove` go by the whole path; `denied` are names of files that nobody may read.
    """

    root: str
    environment: dict[str, str]
    write: Callable[[str, bytes], None]
    remove: Callable[[str], None]
    asked: list[str] = field(default_factory=list)
    denied: set[str] = field(default_factory=set)


@dataclass
class Zone:
    """A landing zone of a test's own in a storage."""

    storage: Storage
    name: str

    @property
    def url(self) -> str:
        """What LANDING_URL says."""
        return f"{self.storage.root}/{self.name}"

    @property
    def asked(self) -> list[str]:
        """Requests so far."""
        return self.storage.asked

    def write(self, place: str, data: bytes) -> None:
        """Land a file."""
        self.storage.write(f"{self.name}/{place}", data)

    def remove(self, place: str) -> None:
        """Take a file away."""
        self.storage.remove(f"{self.name}/{place}")

    def put(self, folder: Path) -> None:
        """Land what lies in a folder of this machine."""
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            self.write(str(path.relative_to(folder)), path.read_bytes())

    def gets(self, name: str = "") -> int:
        """Downloads so far, of files whose names end so."""
        return sum(_is_download(line) and _path(line).endswith(name) for line in self.asked)

    def listings(self) -> int:
        """Listings of a folder so far; Azure's library asks twice for each.

        Google's also asks whether a file is a folder.
        """
        found = sum(_is_listing(line) and not line.endswith("maxResults=1") for line in self.asked)
        return found // 2 if self.url.startswith("abfs") else found


def _path(line: str) -> str:
    return unquote(line.partition(" ")[2].partition("?")[0])


def _is_listing(line: str) -> bool:
    return line.startswith("LIST ") or (
        line.startswith("GET ") and any(word in line for word in ("list-type=2", "comp=list", "/o?"))
    )


def _is_download(line: str) -> bool:
    """A GET of a content; Google's storage is asked by GET for what it knows of a file, too."""
    if not line.startswith("GET ") or _is_listing(line):
        return False
    return "/o/" not in _path(line) or "alt=media" in line or "/download/" in line


@contextlib.contextmanager
def s3(folder: Path) -> Iterator[Storage]:
    """A bucket of an S3 server."""
    server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    direct = f"http://127.0.0.1:{server.server_port}"
    requests.put(f"{direct}/company", timeout=10)
    with (
        _recorded(server.server_port) as (port, asked, denied),
        _filesystem("s3", endpoint_url=direct, key="landing", secret=SECRET) as files,
    ):
        yield Storage(
            "s3://company",
            {
                "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "AWS_ACCESS_KEY_ID": "landing",
                "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_DEFAULT_REGION": "us-east-1",
            },
            *_ways(files), asked, denied,
        )  # fmt: skip
    server.shutdown()


@contextlib.contextmanager
def gs(folder: Path) -> Iterator[Storage]:
    """A bucket of an emulator of Google Cloud Storage."""
    own = free_port()
    server = create_server("127.0.0.1", own, in_memory=True, default_bucket="company")
    server.start()
    direct = f"http://127.0.0.1:{own}"
    with pytest.MonkeyPatch.context() as patch:
        # Read when the library is imported, whoever does so first.
        patch.setenv("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
        with (
            _recorded(own) as (port, asked, denied),
            _filesystem("gs", endpoint_url=direct, token="anon") as files,
        ):
            environment = {"STORAGE_EMULATOR_HOST": f"http://127.0.0.1:{port}"}
            yield Storage("gs://company", environment, *_ways(files), asked, denied)
    server.stop()


@contextlib.contextmanager
def abfs(folder: Path) -> Iterator[Storage]:
    """A container of Azurite, where that is installed."""
    program = shutil.which("azurite-blob")
    if program is None:
        pytest.skip("no azurite-blob here: npm install -g azurite")
    own = free_port()
    process = subprocess.Popen(
        [
            program, "--blobPort", str(own), "--location", str(folder), "--silent", "--skipApiVersionCheck",
            "--disableTelemetry",
        ],
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _answers(own)
        with (
            _recorded(own) as (port, asked, denied),
            _filesystem("abfs", connection_string=_azure(own)) as files,
        ):
            files.mkdir("company")
            environment = {"AZURE_STORAGE_CONNECTION_STRING": _azure(port)}
            yield Storage("abfs://company", environment, *_ways(files), asked, denied)
    finally:
        process.terminate()
        process.wait()


def _azure(port: int) -> str:
    return (
        f"DefaultEndpointsProtocol=http;AccountName={AZURE_ACCOUNT};AccountKey={AZURE_KEY};"
        f"BlobEndpoint=http://127.0.0.1:{port}/{AZURE_ACCOUNT};"
    )


@contextlib.contextmanager
def _filesystem(protocol: str, **options: Any) -> Iterator[Any]:
    """The storage by its own way in, that writes nothing down."""
    found = fsspec.filesystem(protocol, skip_instance_cache=True, use_listings_cache=False, **options)
    # The pipeline's own may know a server of another test.
    type(found).clear_instance_cache()
    yield found
    type(found).clear_instance_cache()


def _ways(files: Any) -> tuple[Callable[[str, bytes], None], Callable[[str], None]]:
    return (
        lambda path, data: files.pipe_file(f"company/{path}", data),
        lambda path: files.rm_file(f"company/{path}"),
    )


@contextlib.contextmanager
def _recorded(port: int) -> Iterator[tuple[int, list[str], set[str]]]:
    """A port before another one, at which each request is written down, and some are denied."""
    asked: list[str] = []
    denied: set[str] = set()

    class Passing(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            line = f"{self.command} {self.path}"
            asked.append(line)
            if not _is_listing(line) and any(_path(line).endswith(name) for name in denied):
                self._answer(403, [], b"<Error><Code>AccessDenied</Code></Error>")
                return
            inner = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            inner.request(self.command, self.path, body, dict(self.headers))
            with inner.getresponse() as answer:
                headers = [h for h in answer.getheaders() if h[0].lower() not in _OF_THE_WAY]
                self._answer(answer.status, headers, answer.read(), answer.getheader("Content-Length"))

        do_HEAD = do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815

        def _answer(
            self, status: int, headers: list[tuple[str, str]], body: bytes, size: str | None = None
        ) -> None:
            self.send_response_only(status)
            is_head = self.command == "HEAD"
            for name, value in [*headers, ("Content-Length", (size or "0") if is_head else str(len(body)))]:
                self.send_header(name, value)
            self.end_headers()
            if not is_head:
                self.wfile.write(body)

        def log_message(self, *arguments: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Passing)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port, asked, denied
    server.shutdown()


_OF_THE_WAY = ("transfer-encoding", "connection", "content-length")


@contextlib.contextmanager
def sftp(folder: Path) -> Iterator[Storage]:
    """A folder of an SFTP server with a login by password, and its host key among the known."""
    home = folder / "home"
    home.mkdir()
    host_key = asyncssh.generate_private_key("ssh-ed25519")
    asked: list[str] = []
    denied: set[str] = set()

    class Login(asyncssh.SSHServer):
        def password_auth_supported(self) -> bool:
            return True

        def validate_password(self, username: str, password: str) -> bool:
            return (username, password) == ("landing", SECRET)

    class Files(asyncssh.SFTPServer):
        def __init__(self, channel: Any) -> None:
            super().__init__(channel, chroot=str(home).encode())

        def open(self, path: bytes, pflags: int, attrs: Any) -> Any:
            asked.append(f"GET {path.decode()}")
            if any(path.decode().endswith(name) for name in denied):
                raise asyncssh.SFTPPermissionDenied("no")
            return super().open(path, pflags, attrs)

        def scandir(self, path: bytes) -> Any:
            asked.append(f"LIST {path.decode()}")
            return super().scandir(path)

    async def listen() -> Any:
        return await asyncssh.listen(
            "127.0.0.1", 0, server_factory=Login, server_host_keys=[host_key], sftp_factory=Files
        )

    async def close() -> None:
        server.close()
        # Connections of the tests, too: their handlers would be left behind.
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def write(name: str, data: bytes) -> None:
        path = home / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(data)

    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    server = asyncio.run_coroutine_threadsafe(listen(), loop).result(10)
    port = server.get_port()
    known = folder / "known_hosts"
    known.write_text(f"[127.0.0.1]:{port} {host_key.export_public_key().decode()}")
    yield Storage(
        f"sftp://landing@127.0.0.1:{port}",
        {"SFTP_KNOWN_HOSTS": str(known), "SFTP_PASSWORD": SECRET},
        write, lambda name: (home / name).unlink(), asked, denied,
    )  # fmt: skip
    asyncio.run_coroutine_threadsafe(close(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _answers(port: int) -> None:
    for _ in range(100):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise TimeoutError(f"nothing answers at port {port}")


STORAGES = {"s3": s3, "gs": gs, "abfs": abfs, "sftp": sftp}
