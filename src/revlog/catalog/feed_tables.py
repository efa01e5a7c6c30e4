"""The feeds as tables of the dictionary, from their contracts."""

from __future__ import annotations

from revlog.catalog.book import Column, Table
from revlog.catalog.feeds_page import column_rules, layout_facts
from revlog.companies import company as companies
from revlog.contracts import contract as contracts
from revlog.contracts.contract import Contract
from revlog.ingestion.raw import LINEAGE, LINEAGE_TEXT, identity_table

MODES = {
    "append": "append: every row is an event and counts once",
    "delta": "delta: rows that are new or changed since the last file; the newest version of a key wins",
    "full": "full: the whole table in every file; a key that is gone is deleted",
}


def feed_tables() -> list[Table]:
    """One table a feed, carried or not, in name order."""
    return [_table(contracts.load_contract(feed, contracts.STANDARD)) for feed in contracts.all_feeds()]


def _table(contract: Contract) -> Table:
    return Table(
        id=f"raw.{contract.feed}", layer="feed", schema="raw", name=contract.feed, title=contract.title,
        description=contract.description, grain=f"{contract.grain[:1].upper()}{contract.grain[1:]}.",
        key=list(contract.key), columns={c.name: c for c in _columns(contract)},
        path=f"ingestion/contracts/{contract.feed}.yml", facts=_facts(contract),
    )  # fmt: skip


def _columns(contract: Contract) -> list[Column]:
    """The contract's columns, the restricted ones too, then what the loader adds."""
    found = []
    for name, column in contract.columns.items():
        found.append(Column(name, contracts.SQL_TYPES[column.type], column.description, column_rules(column)))
        if f"{name}_local" in contract.raw_columns and name in contract.raw_columns:
            found.append(
                Column(f"{name}_local", "text", f"Text of {name} as it came, where that is not UTC.")
            )
    return found + [Column(name, LINEAGE[name].split()[0], text) for name, text in LINEAGE_TEXT.items()]


def _facts(contract: Contract) -> list[tuple[str, str]]:
    facts = [("Source", contract.source.upper()), ("Mode", MODES[contract.mode])]
    if contract.version:
        facts.append(("Newest row by", f"`{contract.version}`"))
    facts.append(("Comes", contract.cadence))
    if contract.empty_file == "alert":
        facts.append(("A file without rows", "is rejected"))
    if contract.amount:
        facts.append(("Amount checked against control totals", f"`{contract.amount}`"))
    if contract.restricted:
        names = ", ".join(f"`{name}`" for name in contract.restricted)
        table = identity_table(contract.feed)
        facts.append(("Restricted", f"{names}: in `raw.{table}`, which only the auditor reads"))
    layouts = [("", contract.layouts), *_other_companies(contract.feed)]
    return facts + [
        (f"Layout {company}{name}", "; ".join(layout_facts(layout)))
        for company, found in layouts
        for name, layout in found.items()
    ]


def _other_companies(feed: str) -> list[tuple[str, dict[str, contracts.Layout]]]:
    """Layouts of companies that have their own, and of systems, as (`company: `, layouts)."""
    places = (companies.COMPANIES, companies.SYSTEMS)
    folders = sorted(path.parent for place in places for path in place.glob(f"*/{feed}.yml"))
    return [(f"{f.name}: ", contracts.load_contract(feed, f.name).layouts) for f in folders]
