"""What a case of the fault corpus says: bytes that land, and what must become of them."""

from __future__ import annotations

from dataclasses import dataclass, field

Quarantined = tuple[int, str, str | None]


@dataclass(frozen=True)
class Case:
    """One file and its outcome.

    `input` is the line of the table of faults that the case stands for. `quarantined` lists line,
    reason and column; `rejected` is the reason code of a file of which nothing loads; `values` are
    columns of raw in the order of the file; `warns` is a part of the ledger's reason.
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
