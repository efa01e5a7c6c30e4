"""Files that people read, written whole or not at all, and folders that only their owner opens."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

# The process's own umask may take more away.
FOR_ALL, FOR_GROUP, FOR_OWNER, FOLDER_FOR_OWNER = 0o644, 0o640, 0o600, 0o700


class NotWritten(RuntimeError):
    """A file can't be written: the message says which, why and what to do. An earlier one stays as it was."""


@contextlib.contextmanager
def replacing(path: Path, mode: int = FOR_ALL) -> Iterator[BinaryIO]:
    """A file that takes the place of `path` once all of it is on disk; else the one before stays.

    It has its `mode` from the first byte on. Raises OSError, as where the disk is full.
    """
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_RDWR, mode), "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    _keep_names(path.parent)


def write_text(path: Path, text: str, mode: int = FOR_ALL) -> Path:
    """Write the text in place of what `path` was, making its folder where there is none; returns `path`.

    Raises NotWritten.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path, mode) as file:
            file.write(text.encode())
    except OSError as error:
        raise NotWritten(
            f"{path} can't be written: {error}. Free space there, or give the folder to the user who runs"
            " this; then run the step again. An earlier file stays as it was"
        ) from error
    return path


def own_folder(path: Path) -> Path:
    """Make the folder where it is missing, and close it to all but its owner; raises OSError."""
    path.mkdir(mode=FOLDER_FOR_OWNER, parents=True, exist_ok=True)
    path.chmod(FOLDER_FOR_OWNER)
    return path


def _keep_names(folder: Path) -> None:
    """A new name is on disk once its folder is; file systems that can't say so still have the file."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def shown_path(path: Path) -> str:
    """A path as people write it where they stand: from there on where it lies below, else whole."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
