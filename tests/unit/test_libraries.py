"""The libraries inside the pages are those that were released, each with its licence."""

from __future__ import annotations

import pytest

from revlog.reports.libraries import LIBRARIES, VENDOR, Library, scripts, sha256


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda library: library.package)
def test_a_library_is_kept_byte_for_byte_with_its_licence(library: Library) -> None:
    assert sha256(library.path) == library.sha256
    assert "Redistribution and use" in (VENDOR / f"{library.package}.LICENSE").read_text(encoding="utf-8")


def test_nothing_else_lies_beside_them() -> None:
    known = {library.file for library in LIBRARIES} | {f"{library.package}.LICENSE" for library in LIBRARIES}
    assert {path.name for path in VENDOR.iterdir()} == known


def test_no_script_ends_its_element_early() -> None:
    assert [text[:40] for text in scripts() if "</script" in text.lower()] == []
