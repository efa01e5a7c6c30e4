"""Refund documents made by hand, and the reconciliation's own SQL over them, without files and nights.

The SQL is what dbt compiled for a full build: each model's table is filled anew from its parents, inside a
transaction that nobody commits, unless a test wants what comes out published.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg

from revlog.config.settings import settings
from revlog.database.connections import connect

FACTS = (
    "core.fct_return_line", "core.fct_refund_entitlement", "core.fct_credit_memo_component",
    "core.fct_refund_tender", "core.fct_settlement", "core.fct_gl_line", "core.fct_rma_line",
    "core.fct_sales_line",
)  # fmt: skip
FIRST_MODELS = (
    "int_summable_documents",
    "int_posting_lines",
    "refund_credit_entries",
    "int_refund_whole_returns",
    "int_refund_nodes",
    "int_refund_links",
)
FOLDERS = (
    "intermediate/core/refunds/", "intermediate/marts/finance/", "marts/finance/",
    "core/bridge_refund_document", "core/bridge_posting_share",
    "core/dim_refund_group",
)  # fmt: skip
LIABILITY, CLEARING, CREDITS = "176200", "136100", "177700"
ACCOUNTS = {
    "merchandise": "480100", "tax": "177600", "shipping": "480200", "duty": "480300",
    "restocking_fee": "483100", "return_label_fee": "483200", "adjustment": "489900",
}  # fmt: skip
Rows = list[dict[str, Any]]


@dataclass
class Books:
    """Facts to be reconciled; each method adds a document as core would hold it."""

    rows: dict[str, Rows] = field(default_factory=lambda: {fact: [] for fact in FACTS})
    journals: int = 0
    # Roles of which the company's ledger has no account
    accounts_lacking: tuple[str, ...] = ()

    def line(
        self,
        key: str,
        net: str = "100.00",
        tax: str = "19.00",
        quantity: int = 1,
        currency: str = "EUR",
        resolution: str = "refund",
        order: str = "1",
        site: str = "LEJ",
        unit_price: str | None = None,
        shipping: str = "0",
    ) -> None:
        """A return line of a sale; `unit_price` is that before any discount."""
        if unit_price:
            self.rows["core.fct_sales_line"].append(
                {"unit_key": order, "sales_line_key": key, "unit_price": unit_price}
            )
        self.rows["core.fct_return_line"].append({
            "unit_key": order, "return_line_key": key, "order_no": order, "currency": currency,
            "sales_line_key": key if unit_price else None,
            "resolution": resolution, "line_net_amount": net, "line_tax_amount": tax,
            "line_quantity": quantity, "line_shipping_amount": shipping, "ship_from_site": site,
            "channel": "WEB",
            "product_category": "TOYS", "is_counted": True,
        })  # fmt: skip

    def accept(
        self, key: str, on: str, units: int = 1, before: int = 0, fee_pct: int = 0, **sale: Any
    ) -> None:
        """Units of a line that the company has received and accepted; an exchange is worth money until
        goods are sent for it."""
        line = next(r for r in self.rows["core.fct_return_line"] if r["return_line_key"] == key)
        sold = line["line_quantity"]
        net, tax = Decimal(line["line_net_amount"]), Decimal(line["line_tax_amount"])
        parts = [_share(amount, before, before + units, sold) for amount in (net, tax)]
        fee = -_share(parts[0], 0, fee_pct, 100)
        value = sum(parts) + fee
        in_kind = line["resolution"] in ("repair", "replacement")
        self.rows["core.fct_refund_entitlement"].append({
            "unit_key": line["unit_key"], "return_line_key": key, "acceptance": f"{key}/{before}",
            "order_no": line["order_no"], "accepted_on": on, "accepted_quantity": units,
            "units_before": before, "units_upto": before + units, "line_quantity": sold,
            "merchandise_basis": net, "tax_basis": tax, "shipping_basis": 0, "fee_pct": fee_pct,
            "label_fee": 0, "is_in_kind": in_kind, "currency": line["currency"],
            "merchandise_amount": parts[0], "tax_amount": parts[1], "shipping_amount": 0,
            "restocking_fee_amount": fee, "label_fee_amount": 0, "value_amount": value,
            "entitled_amount": 0 if in_kind else value, **sale,
        })  # fmt: skip

    def send(self, key: str, on: str, balance: str = "0", worth: str = "119.00", units: int = 1) -> None:
        """Goods are sent in exchange for units of that worth; `balance` is what came back less them."""
        line = next(r for r in self.rows["core.fct_return_line"] if r["return_line_key"] == key)
        sent = f"SENT:{len(self.rows['core.fct_refund_entitlement'])}"
        self.rows["core.fct_refund_entitlement"].append({
            "unit_key": line["unit_key"], "return_line_key": key, "acceptance": sent,
            "order_no": line["order_no"], "accepted_on": on, "accepted_quantity": 0,
            "replaced_quantity": units,
            "units_before": line["line_quantity"], "units_upto": line["line_quantity"],
            "line_quantity": line["line_quantity"], "merchandise_basis": line["line_net_amount"],
            "tax_basis": line["line_tax_amount"], "shipping_basis": 0, "fee_pct": 0, "label_fee": 0,
            "is_in_kind": True, "currency": line["currency"], "merchandise_amount": 0, "tax_amount": 0,
            "shipping_amount": 0, "restocking_fee_amount": 0, "label_fee_amount": 0, "value_amount": 0,
            "balance_amount": balance if Decimal(balance) else None,
            "entitled_amount": Decimal(balance) - Decimal(worth),
        })  # fmt: skip

    def memo(
        self,
        number: str,
        on: str,
        components: dict[str, str],
        line: str | None = None,
        refund: str | None = None,
        reverses: str | None = None,
        currency: str = "EUR",
        order: str = "1",
        line_no: int = 1,
        rule: str | None = None,
    ) -> None:
        """A credit memo, or one line of it, by component."""
        for component, amount in components.items():
            self.rows["core.fct_credit_memo_component"].append({
                "unit_key": order, "return_line_key": line, "memo_no": number, "memo_line_no": line_no,
                "memo_component_key": f"{number}-{line_no}-{component}", "component": component,
                "order_no": order, "refund_id": refund, "reverses_memo_no": reverses,
                "match_rule": rule or ("rma" if line else "none"), "posted_on": on, "amount": amount,
                "currency": currency,
            })  # fmt: skip

    def refund(
        self,
        number: str,
        on: str,
        amount: str,
        line: str | None = None,
        tender: str = "card",
        tender_no: int = 1,
        status: str = "succeeded",
        key: str | None = None,
        currency: str = "EUR",
        order: str = "1",
        done_on: str | None = None,
    ) -> None:
        """A tender of a refund that customer service issued."""
        self.rows["core.fct_refund_tender"].append({
            "unit_key": order, "return_line_key": line, "refund_tender_key": f"{number}-{tender_no}",
            "refund_id": number, "tender_no": tender_no, "order_no": order, "tender": tender,
            "is_credit_tender": tender in ("store_credit", "gift_card"), "status": status,
            "idempotency_key": key or f"key {number}", "match_rule": "request" if line else "none",
            "is_returnless": False, "created_on": on, "created_at": f"{on} 10:00Z",
            "updated_at": f"{done_on or on} 12:00Z", "amount": amount, "currency": currency,
        })  # fmt: skip

    def settle(
        self,
        number: str,
        on: str,
        amount: str,
        refund: str | None = None,
        kind: str = "refund",
        status: str = "succeeded",
        fee: str = "0",
        currency: str = "EUR",
        order: str = "1",
        batch: str = "B",
    ) -> None:
        """Cash that the processor moves to the customer; negative for a failure."""
        self.rows["core.fct_settlement"].append({
            "unit_key": order, "settlement_id": number, "batch_no": batch, "type": kind,
            "refund_id": refund, "status": status, "booked_on": on, "booked_at": f"{on} 12:00Z",
            "gross_amount": -Decimal(amount), "fee_amount": -Decimal(fee),
            "net_amount": -Decimal(amount) - Decimal(fee), "currency": currency,
        })  # fmt: skip

    def post(
        self,
        on: str,
        amounts: dict[str, str],
        ref: str | None,
        kind: str,
        period: str | None = None,
        currency: str = "EUR",
        order: str = "1",
    ) -> str:
        """A journal: amounts by account, debit positive; returns its number."""
        self.journals += 1
        journal = f"J{self.journals}"
        for line_no, (account, amount) in enumerate(amounts.items(), start=1):
            role, component = _role(account)
            self.rows["core.fct_gl_line"].append({
                "unit_key": order, "gl_line_key": f"{journal}-{line_no}", "journal_no": journal,
                "line_no": line_no, "account": account, "account_role": role, "component": component,
                "document_ref": ref, "document_type": kind, "posted_on": on,
                "fiscal_period": period or on[:7], "amount": amount, "currency": currency,
            })  # fmt: skip
        return journal

    def post_memo(self, number: str, on: str, components: dict[str, str], **more: Any) -> str:
        """The journal of a credit memo."""
        total = sum(Decimal(amount) for amount in components.values())
        amounts = {ACCOUNTS[name]: amount for name, amount in components.items()}
        return self.post(on, {LIABILITY: str(-total), **amounts}, number, "memo", **more)

    def post_cash(self, number: str, on: str, amount: str, kind: str = "refund", **more: Any) -> str:
        """The journal of a settled refund."""
        return self.post(
            on, {LIABILITY: amount, CLEARING: str(-Decimal(amount))}, number, kind, **more
        )  # fmt: skip

    def post_credit(self, number: str | None, on: str, amount: str, **more: Any) -> str:
        """The journal of store credit, to the account that owes it; without a number in sum."""
        amounts = {LIABILITY: amount, CREDITS: str(-Decimal(amount))}
        return self.post(on, amounts, number, "refund" if number else "none", **more)

    def spend(self, number: str, on: str, amount: str) -> str:
        """The journal of store credit that was spent on another order."""
        return self.post(on, {CREDITS: amount, "480000": str(-Decimal(amount))}, number, "refund")

    def write_off(self, on: str, amount: str) -> str:
        """The journal of store credit that expired; below 0 of gift cards that were sold."""
        return self.post(on, {CREDITS: amount, "489900": str(-Decimal(amount))}, None, "none")

    def whole(self, key: str, on: str, amount: str = "119.00", order: str = "1", **line: Any) -> None:
        """A return that is right in every leg, all on one day; refund, memo and cash carry its key."""
        self.line(key, order=order, **line)
        self.accept(key, on)
        parts = {"merchandise": "100.00", "tax": "19.00"}
        self.memo(f"CM {key}", on, parts, line=key, refund=f"RF {key}", order=order)
        self.refund(f"RF {key}", on, amount, line=key, order=order)
        self.settle(f"ST {key}", on, amount, refund=f"RF {key}", order=order)
        self.post_memo(f"CM {key}", on, parts, order=order)
        self.post_cash(f"RF {key}", on, amount, order=order)


@dataclass(frozen=True)
class Found:
    """What the reconciliation says of the books."""

    groups: dict[str, dict[str, Any]]
    exceptions: dict[tuple[str, str, str], Decimal]
    periods: dict[tuple[str, str, str, str], Decimal]
    documents: dict[tuple[str, str], dict[str, Any]]
    rollforward: Rows
    proof: Rows
    legs: Rows
    bridge: Rows
    credits: dict[str, dict[str, Any]]
    credit_months: Rows
    items: dict[tuple[str, str, str], dict[str, Any]]
    at_end: Rows

    def classes(self, group: str) -> dict[tuple[str, str], str]:
        """Cents of a group as text, by gap and class."""
        return {
            (gap, name): str(amount)
            for (key, gap, name), amount in self.exceptions.items()
            if key == group
        }  # fmt: skip

    def in_periods(self, group: str) -> dict[tuple[str, str, str], str]:
        """Cents of a group as text, by gap, class and period."""
        return {
            (gap, name, period): str(amount)
            for (key, gap, name, period), amount in self.periods.items()
            if key == group
        }  # fmt: skip


class Reconciler:
    """The compiled models from the documents' graph to the proof, in the order in which they depend."""

    def __init__(self, target: Path | None = None) -> None:
        target = target or settings().var / "dbt" / "target"
        manifest = json.loads((target / "manifest.json").read_text())
        self.models = [
            (f"{node['schema']}.{node['name']}", _compiled(target, node)) for node in _in_order(manifest)
        ]
        self.tests = {
            node["name"]: node for node in manifest["nodes"].values() if node["resource_type"] == "test"
        }
        self.target = target

    @contextmanager
    def run(self, books: Books, lost: str | None = None) -> Iterator[Found]:
        """Reconcile the books alone in the warehouse; everything is undone afterwards.

        `lost` is a document that the joining of documents loses.
        """
        with connect("admin") as connection:
            try:
                self._build(connection, books, lost)
                yield _read(connection)
            finally:
                connection.rollback()

    def failing(self, books: Books, test: str) -> Rows:
        """Rows that a test of the night finds in the books."""
        with connect("admin") as connection:
            try:
                self._build(connection, books)
                return _table(connection, _compiled(self.target, self.tests[test]))
            finally:
                connection.rollback()

    def keep(self, books: Books) -> None:
        """Reconcile the books and leave what comes out in `build`, as a build does."""
        with connect("admin") as connection:
            self._build(connection, books)

    def _build(self, connection: psycopg.Connection[Any], books: Books, lost: str | None = None) -> None:
        for fact in FACTS:
            _fill(connection, fact, books.rows[fact])
        connection.execute(
            "delete from core.gl_accounts where role = any(%s)", [list(books.accounts_lacking)]
        )
        for relation, query in self.models:
            connection.execute(f"delete from {relation}")
            columns = ", ".join(_columns(connection, query))
            connection.execute(f"insert into {relation} ({columns}) {query}")
            if lost and relation.endswith(".bridge_refund_document"):
                connection.execute(f"delete from {relation} where document_no = %s", [lost])


def _in_order(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """Models of the reconciliation below the first one, parents before children."""
    nodes = {
        name: node
        for name, node in manifest["nodes"].items()
        if node["resource_type"] == "model"
        and node["path"].startswith(FOLDERS)
        # Views show what these keep.
        and node["config"]["materialized"] != "view"
    }
    below: dict[str, bool] = {}

    def visit(name: str) -> bool:
        if name not in below:
            parents = [parent for parent in nodes[name]["depends_on"]["nodes"] if parent in nodes]
            is_below = [visit(parent) for parent in parents]
            below[name] = any(is_below) or nodes[name]["name"] in FIRST_MODELS
        return below[name]

    for name in sorted(nodes):
        visit(name)
    return [nodes[name] for name in below if below[name]]


def _compiled(target: Path, node: dict[str, Any]) -> str:
    return (target / "compiled" / node["package_name"] / Path(node["original_file_path"])).read_text()


def _fill(connection: psycopg.Connection[Any], relation: str, rows: Sequence[dict[str, Any]]) -> None:
    connection.execute(f"delete from {relation}")
    for row in rows:
        names = ", ".join(row)
        values = ", ".join(["%s"] * len(row))
        connection.execute(f"insert into {relation} ({names}) values ({values})", list(row.values()))


def _columns(connection: psycopg.Connection[Any], query: str) -> list[str]:
    cursor = connection.execute(f"select * from ({query}) as q limit 0")
    return [column.name for column in cursor.description or ()]


def _read(connection: psycopg.Connection[Any]) -> Found:
    groups = _table(connection, "select * from build.refund_reconciliation")
    exceptions = _table(connection, "select * from build.refund_exceptions where status <> 'cleared'")
    periods = _table(connection, "select * from build.refund_gap_periods")
    documents = _table(connection, "select * from core.bridge_refund_document")
    return Found(
        groups={row["group_key"]: row for row in groups},
        exceptions={(r["group_key"], r["gap"], r["class"]): r["amount"] for r in exceptions},
        periods={(r["group_key"], r["gap"], r["class"], r["period"]): r["amount"] for r in periods},
        documents={(row["document_type"], row["document_no"]): row for row in documents},
        rollforward=_table(connection, "select * from build.reconciliation_rollforward"),
        proof=_table(connection, "select * from build.refund_proof_lines"),
        legs=_table(connection, "select * from build.refund_documents"),
        credits={r["refund_id"]: r for r in _table(connection, "select * from build.store_credits")},
        credit_months=_table(
            connection, "select * from build.store_credit_rollforward order by period, currency"
        ),
        items={(r["group_key"], r["gap"], r["class"]): r for r in exceptions},
        bridge=_table(connection, "select * from build.refund_month_bridge_lines order by period, position"),
        at_end=_table(connection, "select * from build.refund_period_items order by period, group_key, gap"),
    )


def _table(connection: psycopg.Connection[Any], query: str) -> Rows:
    cursor = connection.execute(query)
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _share(amount: Decimal, before: int, upto: int, whole: int) -> Decimal:
    cent = Decimal("0.01")
    return (amount * upto / whole).quantize(cent, "ROUND_HALF_UP") - (amount * before / whole).quantize(
        cent, "ROUND_HALF_UP"
    )


def _role(account: str) -> tuple[str, str | None]:
    component = next((name for name, number in ACCOUNTS.items() if number == account), None)
    if component:
        return "memo_component", component
    roles = {LIABILITY: "refund_liability", CLEARING: "processor_clearing", CREDITS: "gift_card_liability"}
    return roles.get(account, "other"), None
