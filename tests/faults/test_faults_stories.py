"""Each story in each format through the real loader."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from revlog.ingestion import landing
from revlog.ingestion.load import load_feed, reload
from tests.faults.formats import ENDINGS, FORMATS, written
from tests.faults.matrix import CLAIMS, COMPANY, CONTRACT, claims
from tests.faults.stories import STORIES, Step
from tests.integration.ingestion_landing import query

DAY = dt.date(2025, 3, 31)


@pytest.fixture(scope="module")
def zone(database: Path) -> Iterator[Path]:
    """The landing folder of the company whose layouts know all formats."""
    folder = database / "company"
    folder.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COMPANY", str(COMPANY))
        yield folder


class _Teller:
    """Lands the files of one story in one format; its names and claims are its own."""

    def __init__(self, zone: Path, mark: str, form: str) -> None:
        self.zone, self.mark, self.form = zone, f"{mark}{form[0]}{form[-1]}", form
        self.contents: dict[tuple[tuple[str, str], ...], bytes] = {}

    def land(self, step: Step) -> Path:
        """A workbook holds the time at which it was written: what is to be the same is written once."""
        key = tuple(step.quantities.items())
        if key not in self.contents:
            rows = claims(*({"claim_no": f"{self.mark}-{c}", "quantity": n} for c, n in key))
            self.contents[key] = written(self.form, rows, CONTRACT[CLAIMS])
        path = self.zone / f"{CLAIMS}_{step.day}_{self.mark}{step.part}.{ENDINGS[self.form]}"
        path.write_bytes(self.contents[key])
        moment = dt.datetime(2025, 4, 1, tzinfo=dt.UTC).timestamp() + 60 * step.minute
        os.utime(path, (moment, moment))
        path.with_name(f"{path.name}.done").touch()
        return path

    def counts(self) -> dict[Any, Any]:
        """Quantity of each claim by its newest file."""
        return dict(
            query(
                "select distinct on (r.claim_no) split_part(r.claim_no, '-', 2), r.quantity"
                " from raw.erp_vendor_claims as r"
                " inner join ops.file_ledger as f on f.file_id = r._file_id"
                " where f.status = 'loaded' and split_part(r.claim_no, '-', 1) = %s"
                " order by r.claim_no, f.extract_at desc, f.modified_at desc",
                self.mark,
            )
        )


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("number", range(len(STORIES)), ids=[s.name for s in STORIES])
def test_a_story_ends_as_it_says(number: int, form: str, zone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    story, teller = STORIES[number], _Teller(zone, f"s{number}", form)
    for step in story.steps:
        path = teller.land(step)
        if step.ends == "deferred":
            path.with_name(f"{path.name}.done").unlink()
            whole = path.read_bytes()
            path.write_bytes(whole[:10])
            with monkeypatch.context() as patch:
                patch.setattr(landing.time, "sleep", lambda _, p=path, b=whole: p.write_bytes(b))
                assert _load() == ["deferred"]
        else:
            assert _load() == [step.ends] * (step.ends is not None)
    assert teller.counts() == story.counts


@pytest.mark.parametrize("form", FORMATS)
def test_a_file_is_loaded_anew_after_its_contract_was_corrected(form: str, zone: Path) -> None:
    teller = _Teller(zone, "again", form)
    path = teller.land(Step("20250331", "", 0, {"A": "1", "B": "2"}, "loaded"))
    assert _load() == ["loaded"]
    assert [f.status for f in reload(CLAIMS, path.name, DAY).files] == ["loaded"]
    assert query("select status from ops.file_ledger where name = %s order by file_id", path.name) == [
        ("superseded",), ("loaded",),
    ]  # fmt: skip
    assert teller.counts() == {"A": 1, "B": 2}


def _load() -> list[str]:
    return [file.status for file in load_feed(CLAIMS, DAY).files]
