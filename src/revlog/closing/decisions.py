"""What a controller decides on a difference between refund legs: `revlog period resolve`.

A decision is a row of its own beside the figures and changes none of them: the next workbook shows it with
its item, as long as the item has the amount that was decided on.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import psycopg
from psycopg.rows import dict_row

from revlog.closing.periods import Refused
from revlog.database.actor import of_system
from revlog.database.connections import connect
from revlog.outputs.escaping import one_line

KINDS = ("accept", "write_off", "pursue", "undecided")
# What was cleared or is explained asks for no decision; without gap and class there may be only one item.
FOUND = """
select group_key, gap, class, currency, amount from finance.refund_exceptions
where group_key = %(group)s and status in ('open', 'waiting')
    and (%(gap)s::text is null or gap = %(gap)s) and (%(class)s::text is null or class = %(class)s)
order by gap, class
"""


@dataclass(frozen=True)
class Decision:
    """One decision as it was recorded."""

    group: str
    gap: str
    of_class: str
    kind: str
    amount: Decimal
    currency: str
    approver: str

    def __str__(self) -> str:
        what = f"{self.gap} {self.of_class} of {one_line(self.group)}, {self.amount:,.2f} {self.currency}"
        return f"{what}: {self.kind} by {one_line(self.approver)}"


def resolve(
    group: str,
    kind: str,
    approver: str,
    note: str = "",
    gap: str | None = None,
    of_class: str | None = None,
    actor: str | None = None,
) -> Decision:
    """Record what was decided on an open or waiting item of a group, and return it.

    `kind` is accept, write_off, pursue or undecided; `actor` is who was logged in, by default
    the system's user.
    Raises Refused where the words say too little, or where no item or more than one is meant.
    """
    if kind not in KINDS:
        raise Refused(f"{kind!r} is no decision; there are {', '.join(KINDS)}")
    if not approver.strip():
        raise Refused('nobody decides: give the name of the person who answers for it, --by "A. Name"')
    if kind == "write_off" and not note.strip():
        raise Refused('a write-off says why: --note "…"')
    with connect("publisher", row_factory=dict_row) as connection:
        item = _item(connection, {"group": group, "gap": gap, "class": of_class})
        connection.execute(
            "insert into ops.exception_decisions (group_key, gap, class, decision, amount, currency,"
            " approver, note, actor, publication_id) values (%s, %s, %s, %s, %s, %s, %s, %s, %s,"
            " (select of_publication from ops.standing where domain = 'finance'))",
            [
                group, item["gap"], item["class"], kind, item["amount"], item["currency"], approver.strip(),
                note.strip(), actor or of_system(),
            ],
        )  # fmt: skip
    return Decision(
        group, item["gap"], item["class"], kind, item["amount"], item["currency"], approver.strip()
    )


def _item(connection: psycopg.Connection[Any], wanted: dict[str, str | None]) -> dict[str, Any]:
    """The one item that is meant."""
    shown = connection.execute("select to_regclass('finance.refund_exceptions') as table").fetchone()
    if shown is None or shown["table"] is None:
        raise Refused("nothing is published yet; run a night first: revlog night --help")
    found = connection.execute(FOUND, wanted).fetchall()
    if not found:
        raise Refused(
            f"no open item of group {one_line(str(wanted['group']))!r} is like that; column Group of the"
            " workbook and finance.refund_exceptions have them"
        )
    if len(found) > 1:
        items = "; ".join(
            f"--gap {r['gap']} --class {r['class']} ({r['amount']} {r['currency']})" for r in found
        )
        raise Refused(f"the group has {len(found)} open items, say which: {items}")
    return found[0]
