"""A table of a build that goes to readers."""

from __future__ import annotations

from dataclasses import dataclass

from revlog.database.foreign_keys import ForeignKey
from revlog.database.relations import Relation


@dataclass(frozen=True)
class Published:
    """A table or view of `build` and the public schema that it goes to.

    `logs_changes`: changed keys are in `build.<name>__changes`, with the number of their build.
    `history_of`: the published table whose row versions this one keeps, with the columns
    `from_publication` and `to_publication`; in `build` it is a view without rows. `is_for_views`: readers
    have the views over it and not the table itself, which holds what is no figure where a feed is lacking.
    `comes_and_goes`: it holds what there is to do or to expect, of which there may be nothing tomorrow.
    """

    name: str
    schema: str
    key: tuple[str, ...]
    is_view: bool = False
    logs_changes: bool = False
    history_of: str | None = None
    foreign_keys: tuple[ForeignKey, ...] = ()
    is_for_views: bool = False
    comes_and_goes: bool = False

    @property
    def public(self) -> Relation:
        """What readers see."""
        return Relation(self.schema, self.name)

    @property
    def built(self) -> Relation:
        """What is copied."""
        return Relation("build", self.name)
