"""Codes of the sources that no crosswalk knows: their rows stand apart from all that reports go by.

A few are told; many are a list that the company's folder lacks, and hold the night. Either way the message
writes the lines to add, with a guess where the code is all but a canonical one.
"""

from __future__ import annotations

from dataclasses import dataclass

from expectations.asset import CRITICAL, WARNING, Asset, no_rows
from expectations.night import Night
from warehouse import company, master
from warehouse.settings import settings

# One row in twenty of a kind is no stray code but a list that is missing; a handful is no share of anything.
BLOCKS, LEAST_ROWS = 0.05, 10
ALWAYS = "1900-01-01,9999-12-31"
# What stands in a line for what only a person knows; the check of the folder refuses it.
ASK = "<{}>"


@dataclass(frozen=True)
class Kind:
    """Rows of a staging table with a code; `line` is the SQL of the CSV line that would map it."""

    what: str
    feed: str
    code: str
    is_unmapped: str
    table: str
    line: str


def _csv(column: str) -> str:
    """A value as CSV writes it."""
    needs_quotes = f"strpos({column}, ',') > 0 or strpos({column}, '\"') > 0"
    return f"case when {needs_quotes} then '\"' || replace({column}, '\"', '\"\"') || '\"' else {column} end"


def _guess(column: str, member: str, table: str, label: str = "") -> str:
    """The canonical code that the code is but for its spelling, with its label; else what to fill in."""
    found = f"m.{member}" + (f" || ',' || m.{label}" if label else "")
    asked = ",".join(ASK.format(name) for name in (member, label) if name)
    plain = f"trim('_' from regexp_replace(upper({column}), '[^A-Z0-9]+', '_', 'g'))"
    return f"coalesce((select {found} from {table} as m where m.{member} = {plain} limit 1), '{asked}')"


def _reason(what: str, feed: str, column: str) -> Kind:
    system = getattr(settings().company_profile.reason_systems, feed.split("_", 1)[0])
    line = f"'{system},' || {_csv('t.source_reason_code')} || ',' ||"
    guess = _guess("t.source_reason_code", "reason", "core.reasons")
    return Kind(
        what, feed, "source_reason_code", f"t.{column} = 'UNMAPPED'", "reason_crosswalk",
        f"{line} {guess} || ',{ALWAYS}'",
    )  # fmt: skip


def _site(what: str, feed: str, column: str, zone: str) -> Kind:
    line = f"{_csv(f't.{column}')} || ',<name>,<country>,' || {zone} || ',<currency>'"
    known = f"not exists (select from core.sites as s where s.site = t.{column})"
    return Kind(what, feed, column, known, "sites", line)


def kinds() -> list[Kind]:
    """Every kind of code that a company's folder explains."""
    disposition = _guess("t.source_code", "disposition", "core.dispositions")
    # The label is that of the channel, whichever code leads to it.
    channel = _guess("t.source_channel", "channel", "core.channels", "label")
    return [
        _reason("reason of a request", "crm_return_requests", "reason"),
        _reason("reason of an RMA", "erp_return_authorizations", "reason"),
        _reason("reason of an inspection", "wms_inspections", "confirmed_reason"),
        Kind(
            "disposition", "wms_dispositions", "source_code", "t.disposition = 'UNMAPPED'",
            "disposition_crosswalk", f"{_csv('t.source_code')} || ',' || {disposition} || ',{ALWAYS}'",
        ),
        Kind(
            "channel", "erp_sales_lines", "source_channel", "t.channel = 'UNMAPPED'", "channels",
            f"{_csv('t.source_channel')} || ',' || {channel} || ',{ALWAYS}'",
        ),
        _site("site that ships", "erp_sales_lines", "ship_from_site", "'<zone>'"),
        _site("site that receives", "wms_return_receipts", "site", "t.received_zone"),
    ]  # fmt: skip


def assets(night: Night) -> list[Asset]:
    """One asset, one row a code of the night that is not mapped; none where the night brought no codes."""
    brought = [kind for kind in kinds() if night.rows(kind.feed)]
    if not brought:
        return []
    return [
        Asset(
            "codes",
            "core.codes",
            "select t.* from (" + " union all ".join(_query(night, kind) for kind in brought) + ") as t",
            [
                no_rows(
                    "codes_unmapped",
                    f"unmapped_of_kind >= {LEAST_ROWS} and share > {BLOCKS}",
                    severity=CRITICAL,
                    description=f"At most {BLOCKS:.0%} of the rows of a kind have codes that nothing maps.",
                    advice=_advice(),
                ),
                no_rows(
                    "code_unmapped",
                    "true",
                    severity=WARNING,
                    description="Every code of the sources leads to a canonical one.",
                    advice=_advice(),
                ),
            ],
            ("what", "code", "rows", "unmapped_of_kind", "of_rows"),
        )
    ]


def _query(night: Night, kind: Kind) -> str:
    source, entity = kind.feed.split("_", 1)
    ids = ", ".join(str(f.file_id) for f in night.active(kind.feed))
    return f"""
        select * from (
            select '{kind.what}' as what, c.code, c.rows, c.is_unmapped,
                sum(c.rows) filter (where c.is_unmapped) over () as unmapped_of_kind,
                sum(c.rows) over () as of_rows,
                sum(c.rows) filter (where c.is_unmapped) over () / sum(c.rows) over () as share,
                '{_place(kind.table)}' as add_to, {_header(kind.table)} as header, c.line
            from (
                select t.{kind.code} as code, {kind.is_unmapped} as is_unmapped, count(*) as rows,
                    max({kind.line}) as line
                from staging.stg_{source}__{entity} as t
                where t._file_id in ({ids}) and nullif(t.{kind.code}, '') is not null
                group by 1, 2
            ) as c
        ) as of_kind
        where is_unmapped
    """


def _place(table: str) -> str:
    """The file that the lines go into."""
    return str(company.shown(settings().company) / f"{table}.csv").replace("'", "''")


def _header(table: str) -> str:
    """What the file has to begin with where there is none yet, as SQL."""
    if (company.folder(settings().company) / f"{table}.csv").exists():
        return "cast(null as text)"
    return f"'{','.join(master.tables()[table].columns)}'"


def _advice() -> str:
    """What may stand in place of what is asked for."""
    channels = dict.fromkeys(row["channel"] for row in _rows("channels"))
    return (
        "Add the lines, then run the night again: it computes everything anew."
        f" <reason>: {_listed('reasons', 'reason')}; <disposition>: {_listed('dispositions', 'disposition')};"
        f" <channel>: {', '.join(channels)}, or your own."
    )


def _listed(table: str, column: str) -> str:
    return ", ".join(row[column] for row in _rows(table) if row[column] != "UNMAPPED")


def _rows(table: str) -> list[master.Row]:
    return master.in_force(master.tables()[table], company.folder(settings().company))
