"""Settings of the pipeline, read from the environment or `.env` (see `.env.example`)."""

from __future__ import annotations

import datetime as dt
import os
import tomllib
from functools import cache, lru_cache
from pathlib import Path
from urllib.parse import urlsplit

from dotenv import dotenv_values, set_key
from pydantic import AliasChoices, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parents[3]
# What a child process imports: the package, and beside it the simulator and the gates' suites.
IMPORTS = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
COMMIT_DIGITS = 12
SIMULATED = "simulated"  # the company that is served where none is named
STANDARD = "standard"  # no company: the layouts in the contracts; for 0.1.0 the simulated company
# In `var`: which company `make run` or `make retailer` brought last, so that every command goes by it.
SERVED = "company.env"


class SettingsError(ValueError):
    """A setting can't be used as it is; the message says which, and what to do."""


class Settings(BaseSettings):
    """Everything that differs between machines; each field is an environment variable."""

    model_config = SettingsConfigDict(extra="ignore", env_ignore_empty=True, populate_by_name=True)

    var: Path = Field(default=ROOT / "var", alias="REVLOG_VAR")
    landing_url: str = Field(default="", alias="LANDING_URL")
    warehouse_dsn: str | None = Field(default=None, alias="WAREHOUSE_DSN")
    named_database: str | None = Field(default=None, alias="REVLOG_DATABASE")
    warehouse_port: int = Field(default=54329, alias="REVLOG_PORT")
    business_date: dt.date | None = Field(default=None, alias="BUSINESS_DATE")
    named_currency: str | None = Field(default=None, alias="REPORTING_CURRENCY")
    # LAYOUTS is what 0.1.0 called it.
    named_company: str | None = Field(default=None, validation_alias=AliasChoices("COMPANY", "LAYOUTS"))
    code_version: str | None = Field(default=None, alias="CODE_VERSION")
    lock_patience_minutes: float = Field(default=30, alias="LOCK_PATIENCE_MINUTES")
    reader_patience_seconds: float = Field(default=60, alias="READER_PATIENCE_SECONDS", ge=0)
    reader_statement_timeout: str = Field(default="30min", alias="READER_STATEMENT_TIMEOUT")
    reader_lock_timeout: str = Field(default="1min", alias="READER_LOCK_TIMEOUT")
    reader_idle_transaction_timeout: str = Field(default="10min", alias="READER_IDLE_TRANSACTION_TIMEOUT")
    reader_idle_session_timeout: str = Field(default="8h", alias="READER_IDLE_SESSION_TIMEOUT")
    writer_statement_timeout: str = Field(default="6h", alias="WRITER_STATEMENT_TIMEOUT")
    writer_idle_transaction_timeout: str = Field(default="1h", alias="WRITER_IDLE_TRANSACTION_TIMEOUT")
    bi_reader_connections: int | None = Field(default=None, alias="BI_READER_CONNECTIONS", ge=1)
    finance_reader_connections: int | None = Field(default=None, alias="FINANCE_READER_CONNECTIONS", ge=1)
    auditor_connections: int | None = Field(default=None, alias="AUDITOR_CONNECTIONS", ge=1)
    night_rest_minutes: int = Field(default=15, alias="NIGHT_REST_MINUTES")
    days_past_newest_file: int = Field(default=7, alias="DAYS_PAST_NEWEST_FILE")

    @property
    def landing(self) -> str:
        """URL or folder of the landing zone; `var/landing` unless LANDING_URL is set.

        Raises SettingsError for a URL that holds a password, since messages name the landing zone.
        """
        if "://" in self.landing_url and (urlsplit(self.landing_url).password or "?" in self.landing_url):
            raise SettingsError(
                "LANDING_URL holds a password or a key, which logs and messages would show: leave it out, and"
                " give it as docs/how-to/where-files-lie.md says"
            )
        return self.landing_url or str(self.var / "landing")

    @property
    def company(self) -> str:
        """Name of the company that this checkout serves, or the path of its folder."""
        given = self.named_company
        return SIMULATED if given in (None, STANDARD) else str(given)


def env_file() -> Path:
    """`.env` beside the code, or the file that REVLOG_ENV_FILE names (tests name an empty one)."""
    return Path(os.environ.get("REVLOG_ENV_FILE") or ROOT / ".env")


def variable(name: str, default: str = "") -> str:
    """Return a setting that is no field of Settings, from the environment, else from `.env`.

    Empty means not set, so `default` is returned.
    """
    return os.environ.get(name) or dotenv_values(env_file()).get(name) or default


def settings() -> Settings:
    """Return the settings, read anew wherever the environment or a file of them has changed.

    Where neither the environment nor `.env` names a company, the one that was served last holds. The
    environment wins over `.env`. A relative REVLOG_VAR is taken from the project root.
    """
    found = _read(env_file())
    served = ROOT / found.var / SERVED  # an absolute folder stays as it is
    if found.named_company is None and served.is_file():
        found = _read(env_file(), served)
    found.var.mkdir(parents=True, exist_ok=True)
    return found


def _read(*files: Path) -> Settings:
    return _read_once(files, tuple(map(_state, files)), frozenset(os.environ.items()))


@lru_cache(maxsize=8)
def _read_once(
    files: tuple[Path, ...], states: tuple[object, ...], environment: frozenset[tuple[str, str]]
) -> Settings:
    """Read them; what they are read from is in the arguments, so that a change of it is seen."""
    found = Settings(_env_file=files)  # type: ignore[call-arg]  # of pydantic-settings
    found.var = ROOT / found.var
    return found


def _state(file: Path) -> object:
    """What differs once a file was written: its place on the disk, size and time."""
    try:
        stat = file.stat()
    except OSError:
        return None
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


def serve(name: str, landing_url: str = "") -> None:
    """Let this checkout serve the company from now on: every later command goes by it.

    Raises SettingsError where the environment or `.env` names another one.
    """
    given = Settings(_env_file=env_file())  # type: ignore[call-arg]
    if given.named_company is not None and given.company != name:
        raise SettingsError(
            f"COMPANY={given.named_company} is set, in the environment or in {env_file()}, and this is about"
            f" {name}: take it out there, or give {name} a checkout or a REVLOG_VAR of its own"
        )
    file = settings().var / SERVED
    file.write_text("")
    set_key(file, "COMPANY", name)
    if landing_url:
        set_key(file, "LANDING_URL", landing_url)


@cache
def project_version() -> str:
    """Version of this code, from `pyproject.toml`."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return str(project["version"])


def code_version() -> str:
    """Version and commit of this code for `ops.publications`, such as `0.2.0+3f2c9a1b7d40`.

    CODE_VERSION says the commit where there is no repository to ask; without either the version stands alone.
    """
    commit = settings().code_version or _commit()
    return f"{project_version()}+{commit[:COMMIT_DIGITS]}" if commit else project_version()


def _commit() -> str | None:
    head = ROOT / ".git" / "HEAD"
    if not head.is_file():
        return None
    text = head.read_text().strip()
    if not text.startswith("ref: "):
        return text
    ref = ROOT / ".git" / text.removeprefix("ref: ")
    return ref.read_text().strip() if ref.is_file() else None


def process_environment() -> dict[str, str]:
    """Environment for a child process that shall see the same settings."""
    return {**os.environ, "PYTHONPATH": IMPORTS, "REVLOG_VAR": str(settings().var)}
