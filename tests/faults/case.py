"""What a case of the fault corpus says: bytes that land, and what must become of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from revlog.contracts.contract import load_contract

Quarantined = tuple[int, str, str | None]


@dataclass(frozen=True)
class Case:
    """One file and its outcome.

    `input` is the line of the table of faults that the case stands for. `quarantined` lists line,
    reason and column; `rejected` is the reason code of a file of which nothing loads; `values` are
    columns of raw in the order of the file; `warns` is a part of the ledger's reason. A case of the
    company, whose layouts lie in `tests/faults/company`, names its `format`; `kind` and `part` stand
    before and behind the date in the file's name, `suffix` behind its ending.
    """

    name: str
    input: str
    feed: str
    content: bytes
    loaded: int = 0
    quarantined: tuple[Quarantined, ...] = ()
    duplicate: int = 0
    control: int = 0
    rejected: str | None = None
    values: dict[str, list[object]] = field(default_factory=dict)
    warns: str | None = None
    suffix: str = ""
    part: str = ""
    format: str = ""
    kind: str = ""

    @property
    def file_format(self) -> str:
        """As the layout declares it."""
        if self.format:
            return self.format
        [layout] = load_contract(self.feed, "standard").layouts.values()
        return layout.format

    @property
    def outcome(self) -> str:
        """In words, for the page."""
        if self.rejected:
            return f"reject the file: `{self.rejected}`"
        parts = [f"load {self.loaded}"] if self.loaded or not self.quarantined else []
        parts += [f"quarantine line {line}: `{reason}`" for line, reason, _ in self.quarantined]
        parts += [f"{self.duplicate} duplicate"] if self.duplicate else []
        parts += [f"{self.control} control"] if self.control else []
        return ", ".join(parts) + (", warn" if self.warns else "")
