"""Files that people read: whole or as they were, and open to whom they are for."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from revlog.outputs.files import FOR_OWNER, NotWritten, own_folder, replacing, write_text


def _mode(path: Path) -> str:
    return oct(path.stat().st_mode & 0o777)


def test_a_full_disk_leaves_the_file_as_it_was_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = write_text(tmp_path / "page.html", "yesterday")

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(NotWritten, match=r"page.html can't be written: .*No space left.* Free space there"):
        write_text(page, "today")
    assert page.read_text() == "yesterday" and list(tmp_path.iterdir()) == [page]


def test_what_breaks_off_never_takes_the_files_place(tmp_path: Path) -> None:
    page = write_text(tmp_path / "page.html", "yesterday")
    with pytest.raises(KeyboardInterrupt), replacing(page) as file:
        file.write(b"half of to")
        raise KeyboardInterrupt
    assert page.read_text() == "yesterday" and list(tmp_path.iterdir()) == [page]


@pytest.mark.parametrize(("umask", "public"), [(0o000, "0o644"), (0o022, "0o644"), (0o077, "0o600")])
def test_no_file_is_wider_than_it_should_be_whatever_the_umask(
    tmp_path: Path, umask: int, public: str
) -> None:
    before = os.umask(umask)
    try:
        for_all, for_owner = write_text(tmp_path / "a", ""), write_text(tmp_path / "b", "", FOR_OWNER)
    finally:
        os.umask(before)
    assert (_mode(for_all), _mode(for_owner)) == (public, "0o600")


def test_a_file_is_its_owners_alone_from_the_first_byte_on(tmp_path: Path) -> None:
    with replacing(tmp_path / "book", FOR_OWNER):
        assert [_mode(path) for path in tmp_path.iterdir()] == ["0o600"]


def test_a_folder_that_others_could_open_is_closed_to_them(tmp_path: Path) -> None:
    (tmp_path / "finance").mkdir(mode=0o755)
    assert _mode(own_folder(tmp_path / "finance")) == "0o700"
    assert _mode(own_folder(tmp_path / "new" / "one")) == "0o700"
