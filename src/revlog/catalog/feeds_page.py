"""The data dictionary of the feeds, made from the contracts: docs/data-dictionary/feeds.md."""

from __future__ import annotations

from pathlib import Path

from revlog.config.settings import ROOT
from revlog.contracts.contract import Column, Contract, NegativeRule, all_feeds, load_contract
from revlog.contracts.layout import Layout
from revlog.outputs.escaping import markdown_cell
from revlog.outputs.files import write_text

PAGE = ROOT / "docs" / "data-dictionary" / "feeds.md"
PII_RULES = {
    "pseudonym": "keyed hash",
    "direct": "names a person: identity table only",
    "free_text": "free text, may name a person: identity table only",
}
HEAD = """# Feeds

Made from `ingestion/contracts` by `make docs`; do not edit. How a contract is written:
`ingestion/README.md`.

| feed | what | grain | mode | format |
|---|---|---|---|---|
"""


def page() -> str:
    """The page as Markdown."""
    contracts = [load_contract(feed, "standard") for feed in all_feeds()]
    rows = [
        f"| [`{c.feed}`](#{c.feed}) | {c.title} | {c.grain} | {c.mode} | {_formats(c)} |\n" for c in contracts
    ]
    return HEAD + "".join(rows) + "".join(_section(c) for c in contracts)


def write_page() -> Path:
    """Write the page; returns its path."""
    return write_text(PAGE, page())


def _formats(contract: Contract) -> str:
    return ", ".join(dict.fromkeys(layout.format for layout in contract.layouts.values()))


def _section(contract: Contract) -> str:
    facts = [
        f"Grain: {contract.grain}.",
        f"Key: {', '.join(f'`{k}`' for k in contract.key)}.",
        f"Mode: {contract.mode}.",
        f"Newest row by `{contract.version}`." if contract.version else "",
        "A file without rows is rejected." if contract.empty_file == "alert" else "",
    ]
    head = f"\n## {contract.feed}\n\n{contract.description} {' '.join(filter(None, facts))}\n\n"
    layouts = "".join(_layout(name, layout) for name, layout in contract.layouts.items())
    columns = "| column | type | | description |\n|---|---|---|---|\n" + "".join(
        _row(name, column) for name, column in contract.columns.items()
    )
    return head + layouts + "\n" + columns


def _row(name: str, column: Column) -> str:
    rules = markdown_cell("; ".join(column_rules(column)))
    return f"| `{name}` | {column.type} | {rules} | {markdown_cell(column.description)} |\n"


def _layout(name: str, layout: Layout) -> str:
    return f"Layout *{name}*: {'; '.join(layout_facts(layout))}.\n"


def layout_facts(layout: Layout) -> list[str]:
    """What the files of a layout look like, code between backticks."""
    parts = [f"{layout.format.upper()}, `{layout.file}`"]
    if layout.format == "csv":
        parts.append(f"delimiter `{layout.delimiter!r}`, {layout.encoding}")
    if layout.format == "fixed_width":
        last = max(first + size - 1 for first, size in layout.widths.values())
        parts.append(f"lines of {last} characters, {layout.encoding}")
    if layout.format == "xlsx":
        parts.append(f"sheet {layout.sheet or 'the only one'}, names in row {layout.header_row}")
    if layout.decimal != ".":
        parts.append(f"decimal `{layout.decimal}`")
    if layout.timestamp:
        zone = layout.timestamp.zone or layout.timestamp.zone_column or "with offset"
        parts.append(f"times `{layout.timestamp.format}` ({zone})")
    if layout.date:
        parts.append(f"dates `{layout.date.format}`")
    if layout.control:
        parts.append("with control totals")
    return parts


def column_rules(column: Column) -> list[str]:
    """What a value of the column must be, code between backticks."""
    rules = ["required"] if column.required else []
    if column.pii:
        rules.append(PII_RULES[column.pii])
    if column.shown:
        rules.append(f"others than {', '.join(column.shown)} are withheld")
    if column.values:
        rules.append("one of " + ", ".join(column.values))
    if column.pattern:
        rules.append(f"pattern `{column.pattern}`")
    if isinstance(column.negative_rule, NegativeRule):
        rules.append(f"negative only as {', '.join(column.negative_rule.among)}")
    elif column.negative_rule == "never":
        rules.append("never negative")
    if column.zero:
        rules.append("never zero")
    if column.most:
        rules.append(f"at most {column.most:,}")
    if column.one_where_same:
        rules.append("1 where {} is {}".format(*column.one_where_same))
    if column.differs_from:
        rules.append(f"never the row's own {column.differs_from}")
    if column.references:
        rules.append("names " + " or ".join(f"`{target}`" for target in column.references))
    if column.future:
        rules.append("may lie more than a year ahead")
    return rules
