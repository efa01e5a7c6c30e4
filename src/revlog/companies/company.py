"""A company is a folder: `company.yml` (who it is), a YAML a feed (layouts), a CSV a table (master data)."""

from __future__ import annotations

import functools
import re
from decimal import Decimal
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from revlog.config.settings import ROOT, SettingsError, settings
from revlog.metrics.definitions import kpis
from revlog.values.currencies import CODES
from revlog.values.zones import zones

COMPANIES = ROOT / "companies"
# Ready layouts of systems that companies take theirs from; also a company without master data, to be tried.
SYSTEMS = ROOT / "ingestion" / "layouts"
PROFILE = "company.yml"
# Folder of contracts of what leaves, where the company has its own.
OUTBOUND = "outbound"


class ReasonLists(BaseModel):
    """Whose list of reason codes each source system speaks: `source_system` of reason_crosswalk."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    erp: str = "erp"
    wms: str = "wms"
    crm: str = "crm"


class Owners(BaseModel):
    """Who mends what a check has found: a notice of a held night names them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    erp: str = "ERP team"
    wms: str = "WMS team"
    crm: str = "CRM team"
    finance: str = "finance"
    pipeline: str = "data engineering"


class Company(BaseModel):
    """What company.yml says; every key has a default."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str = Field(default="", description="Name for people.")
    layouts: Literal["own", "standard"] = Field(
        default="own",
        description="`own`: the feeds that have a file in this folder; `standard`: all feeds, written as "
        "their contracts say unless a file here says otherwise.",
    )
    reporting_currency: str = Field(
        default="EUR",
        pattern="^[A-Z]{3}$",
        description="Currency that sums over currencies are in, by ISO 4217.",
    )
    fiscal_year_start_month: int = Field(
        default=1, ge=1, le=12, description="Month in which the fiscal year begins."
    )
    transit_days: int = Field(
        default=14,
        ge=0,
        description="Days that a parcel may travel: to a customer where no feed tells when it came, or back.",
    )
    reason_systems: ReasonLists = Field(
        default=ReasonLists(),
        description="Whose reason codes each source system speaks: shopify, x12_1293, medusa, or a list in "
        "the company's reason_crosswalk.csv.",
    )
    time_zone: str = Field(
        default="UTC",
        description="Zone of the IANA database by whose days the company closes its books: those of "
        "KPIs, periods and cut-off. Instants are stored in UTC.",
    )
    owners: Owners = Field(
        default=Owners(),
        description="Whom a notice of a held night names: who mends the exports of erp, wms and crm, what "
        "only finance knows, and the pipeline itself.",
    )
    targets: dict[str, Decimal] = Field(
        default={},
        description="What a KPI of kpi_definitions is to reach, on each basis; of a ratio 0.12 for 12 %.",
    )
    database: str | None = Field(
        default=None,
        pattern="^[a-z][a-z0-9_]{0,50}$",
        description="Database of the embedded server; the folder's name where none is given.",
    )

    @field_validator("time_zone")
    @classmethod
    def _is_of_the_iana_database(cls, value: str) -> str:
        if value not in zones():
            raise ValueError(f"{value!r} is no zone of the IANA database, such as Europe/Berlin")
        return value

    @field_validator("targets")
    @classmethod
    def _is_of_a_kpi(cls, value: dict[str, Decimal]) -> dict[str, Decimal]:
        if unknown := sorted(set(value) - {kpi.name for kpi in kpis()}) if value else []:
            raise ValueError(
                f"no KPI is called {', '.join(unknown)}; dbt_project/seeds/kpi_definitions.csv has them"
            )
        return value

    @field_validator("reporting_currency")
    @classmethod
    def _is_of_iso_4217(cls, value: str) -> str:
        if value not in CODES:
            raise ValueError(f"{value!r} is no currency of ISO 4217")
        return value


def folder(name: str) -> Path:
    """Folder of a company, or of a system's ready layouts, by name or path. Raises SettingsError."""
    for found in (COMPANIES / name, SYSTEMS / name):
        if name and found.is_dir():
            return found
    known = sorted(path.name for path in COMPANIES.glob("*") if path.is_dir())
    raise SettingsError(
        f"COMPANY={name!r} names no folder; in {COMPANIES} there are {', '.join(known)}, or give a path."
        " How to make one: docs/how-to/add-a-company.md"
    )


def shown(name: str) -> Path:
    """The folder as people write it: from the project on, where it lies in it."""
    path = folder(name)
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path


def load(name: str) -> Company:
    """Read a company's company.yml. Raises SettingsError with the file and each key at fault."""
    path = folder(name) / PROFILE
    return _load(path, path.stat().st_mtime_ns) if path.exists() else Company()


def database(name: str) -> str:
    """Database of the embedded server that the company's warehouse is in."""
    found = load(name).database or folder(name).name
    if not re.fullmatch("[a-z][a-z0-9_]{0,50}", found):
        raise SettingsError(
            f"{found!r} can't be the name of a database: call the company's folder in lower case letters,"
            f" digits and _, or name one in {PROFILE}: `database: acme`"
        )
    return found


def profile() -> Company:
    """What company.yml says of the company that is served. Raises SettingsError where it can't be used."""
    return load(settings().company)


def reporting_currency() -> str:
    """The company's, unless REPORTING_CURRENCY says otherwise."""
    return settings().named_currency or profile().reporting_currency


def warehouse_database() -> str:
    """Database of the embedded server that is at work: a company has one of its own."""
    return settings().named_database or database(settings().company)


@functools.lru_cache(maxsize=64)
def _load(path: Path, _changed: int) -> Company:
    try:
        return Company.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
    except yaml.YAMLError as error:
        raise SettingsError(f"{path} is no YAML: {error}") from error
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        raise SettingsError(f"{path}: " + "; ".join(lines)) from error
