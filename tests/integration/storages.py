"""Real servers on this machine that hold a landing zone: S3, Google's and Azure's buckets, SFTP."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

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
    """A landing zone on a server: its URL, how to put files there, and what was asked of it."""

    url: str
    write: Callable[[str, bytes], None]
    remove: Callable[[str], None]
    asked: list[str] = field(default_factory=list)

    def put(self, folder: Path) -> None:
        """Land what lies in a folder."""
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            self.write(str(path.relative_to(folder)), path.read_bytes())

    def gets(self, name: str) -> int:
        """Downloads of a file so far."""
        return sum(line.startswith("GET ") and line.split("?")[0].endswith(name) for line in self.asked)


def _of_buckets(url: str, **options: Any) -> Storage:
    filesystem, root = fsspec.url_to_fs(url, skip_instance_cache=True, **options)
    # The pipeline's own knows another test's server.
    type(filesystem).clear_instance_cache()
    return Storage(
        url,
        lambda name, data: filesystem.pipe_file(f"{root}/{name}", data),
        lambda name: filesystem.rm_file(f"{root}/{name}"),
    )


@contextlib.contextmanager
def s3(patch: pytest.MonkeyPatch, folder: Path) -> Iterator[Storage]:
    """A bucket of an S3 server that writes down each request."""
    asked: list[str] = []
    application = DomainDispatcherApplication(create_backend_app)

    def counted(environ: dict[str, Any], start: Any) -> Any:
        asked.append(f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}?{environ['QUERY_STRING']}")
        return application(environ, start)

    server = make_server("127.0.0.1", 0, counted, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    patch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
    patch.setenv("AWS_ACCESS_KEY_ID", "landing")
    patch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    requests.post(f"http://127.0.0.1:{server.server_port}/moto-api/reset", timeout=10)
    requests.put(f"http://127.0.0.1:{server.server_port}/company", timeout=10)
    try:
        found = _of_buckets("s3://company/landing")
        found.asked = asked
        yield found
    finally:
        server.shutdown()


@contextlib.contextmanager
def gs(patch: pytest.MonkeyPatch, folder: Path) -> Iterator[Storage]:
    """A bucket of an emulator of Google Cloud Storage."""
    port = free_port()
    server = create_server("127.0.0.1", port, in_memory=True, default_bucket="company")
    server.start()
    patch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{port}")
    patch.setenv("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
    try:
        yield _of_buckets("gs://company/landing", token="anon")
    finally:
        server.stop()


@contextlib.contextmanager
def abfs(patch: pytest.MonkeyPatch, folder: Path) -> Iterator[Storage]:
    """A container of Azurite, where that is installed."""
    program = shutil.which("azurite-blob")
    if program is None:
        pytest.skip("no azurite-blob here: npm install -g azurite")
    port = free_port()
    command = [
        program,
        "--blobPort",
        str(port),
        "--location",
        str(folder),
        "--silent",
        "--skipApiVersionCheck",
    ]
    process = subprocess.Popen([*command, "--disableTelemetry"], stdout=subprocess.DEVNULL)
    patch.setenv(
        "AZURE_STORAGE_CONNECTION_STRING",
        f"DefaultEndpointsProtocol=http;AccountName={AZURE_ACCOUNT};AccountKey={AZURE_KEY};"
        f"BlobEndpoint=http://127.0.0.1:{port}/{AZURE_ACCOUNT};",
    )
    try:
        _answers(port)
        fsspec.filesystem("abfs", skip_instance_cache=True).mkdir("company")
        yield _of_buckets("abfs://company/landing")
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def sftp(patch: pytest.MonkeyPatch, folder: Path) -> Iterator[Storage]:
    """A folder of an SFTP server with a login by password, and its host key among the known."""
    home = folder / "home"
    (home / "landing").mkdir(parents=True)
    host_key = asyncssh.generate_private_key("ssh-ed25519")
    asked: list[str] = []

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
            return super().open(path, pflags, attrs)

        def scandir(self, path: bytes) -> Any:
            asked.append(f"LIST {path.decode()}")
            return super().scandir(path)

    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()

    async def listen() -> Any:
        return await asyncssh.listen(
            "127.0.0.1", 0, server_factory=Login, server_host_keys=[host_key], sftp_factory=Files
        )

    server = asyncio.run_coroutine_threadsafe(listen(), loop).result(10)
    port = server.get_port()
    known = folder / "known_hosts"
    known.write_text(f"[127.0.0.1]:{port} {host_key.export_public_key().decode()}")
    patch.setenv("SFTP_KNOWN_HOSTS", str(known))
    patch.setenv("SFTP_PASSWORD", SECRET)

    def write(name: str, data: bytes) -> None:
        path = home / "landing" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)

    try:
        yield Storage(
            f"sftp://landing@127.0.0.1:{port}/landing",
            write,
            lambda name: (home / "landing" / name).unlink(),
            asked,
        )
    finally:
        loop.call_soon_threadsafe(server.close)
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
