"""Codes of the sources that no crosswalk knows: their rows stand apart from all that reports go by.

A few are told; many are a list that the company's folder lacks, and hold the night. Either way the message
writes the lines to add, with a guess where the code is all but a canonical one.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from expectations.suites.core.layers import staging
from revlog.companies import company, master
from revlog.companies.company import profile
from revlog.config.settings import settings
from revlog.gates import checks
from revlog.gates.asset import Asset
from revlog.gates.night import Night


@dataclass(frozen=True)
class Kind:
    """Rows of a staging table with a code that a file of the company's folder explains.

    `canonical` is what it leads to, and `mapped` the column where it does; a site leads to nothing, it is
    known or not. `label` is a second column of the line, `zone` the SQL of a site's zone, `system` what the
    line begins with.
    """

    what: str
    feed: str
    code: str
    file: str
    canonical: str = ""
    mapped: str = ""
    label: str = ""
    zone: str = ""
    system: str = ""


def _reason(what: str, feed: str, mapped: str) -> Kind:
    system = getattr(profile().reason_systems, feed.split("_", 1)[0])
    return Kind(
        what, feed, "source_reason_code", "reason_crosswalk", "reason", mapped, system=f"{system},"
    )  # fmt: skip


def kinds() -> list[Kind]:
    """Every kind of code that a company's folder explains."""
    return [
        _reason("reason of a request", "crm_return_requests", "reason"),
        _reason("reason of an RMA", "erp_return_authorizations", "reason"),
        _reason("reason of an inspection", "wms_inspections", "confirmed_reason"),
        Kind(
            "disposition", "wms_dispositions", "source_code", "disposition_crosswalk", "disposition",
            "disposition",
        ),
        # The label is that of the channel, whichever code leads to it.
        Kind("channel", "erp_sales_lines", "source_channel", "channels", "channel", "channel", "label"),
        Kind("site that ships", "erp_sales_lines", "ship_from_site", "sites", zone="'<zone>'"),
        Kind("site that receives", "wms_return_receipts", "site", "sites", zone="t.received_zone"),
    ]  # fmt: skip


def assets(night: Night) -> list[Asset]:
    """One asset, one row a code of the night that is not mapped; none where the night brought no codes."""
    brought = [_values(night, kind) for kind in kinds() if night.rows(kind.feed)]
    return [checks.asset("core/codes", {"kinds": brought, "advice": _advice()})] if brought else []


def _values(night: Night, kind: Kind) -> dict[str, str]:
    """What the query needs of a kind; `found` and `asked` are what a line says of the code, or asks for."""
    columns = [column for column in (kind.canonical, kind.label) if column]
    return asdict(kind) | {
        "found": " || ',' || ".join(f"m.{column}" for column in columns),
        "asked": ",".join(f"<{column}>" for column in columns),
        "staging": staging(kind.feed),
        "files": night.file_ids(kind.feed),
        "system": checks.text_literal(kind.system),
        "add_to": checks.text_literal(str(company.shown(settings().company) / f"{kind.file}.csv")),
        "header": checks.text_literal(_header(kind.file)),
    }


def _header(table: str) -> str | None:
    """What the file has to begin with where there is none yet."""
    if (company.folder(settings().company) / f"{table}.csv").exists():
        return None
    return ",".join(master.tables()[table].columns)


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
