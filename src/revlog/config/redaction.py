"""Keep secrets out of what people read: error texts, notices, tracebacks, and environments of children."""

from __future__ import annotations

import json
import os
import re
import sys
import traceback
from collections.abc import Callable
from urllib.parse import unquote

from dotenv import dotenv_values

from revlog.config.refusal import Refusal
from revlog.config.secrets import secrets_file, secrets_folder
from revlog.config.settings import IMPORTS, SettingsError, env_file, settings

# What a driver may put into its message: the login of a URL, the password of a connection string.
LOGIN = re.compile(r"(?<=://)\S*:\S*(?=@)")
PASSWORD = re.compile(r"(?i)\b(password|passwd|pwd)(\s*[=:]\s*)('[^']*'|\S+)")
ADDRESSES = ("WAREHOUSE_DSN", "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN")
# What the bucket or server of the landing zone wants to know.
STORAGE_SECRETS = (
    "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AZURE_STORAGE_ACCOUNT_KEY",
    "AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGE_SAS_TOKEN", "AZURE_STORAGE_CLIENT_SECRET",
    "AZURE_CLIENT_SECRET", "SFTP_PASSWORD",
)  # fmt: skip
SECRET_SETTINGS = (
    *STORAGE_SECRETS, "OUTBOUND_AUTHORIZATION_",
    "REVLOG_PASSWORD_", "REVLOG_SECRET_", "POSTGRES_PASSWORD", "NOTIFY_URL", "NOTIFY_SMTP_PASSWORD",
    "NOTIFY_CONNECTION", "AIRFLOW_CONN_", "OPENLINEAGE_TRANSPORT", "AIRFLOW__OPENLINEAGE__TRANSPORT",
    "AIRFLOW_ADMIN_PASSWORD", "AIRFLOW_VIEWER_PASSWORD", "AIRFLOW_OPERATOR_PASSWORD",
    "AIRFLOW_FINANCE_PASSWORD", "AIRFLOW_PRIVACY_PASSWORD", "AIRFLOW__API__SECRET_KEY",
    "AIRFLOW__API_AUTH__JWT_SECRET", "AIRFLOW__CORE__FERNET_KEY", "DBT_PASSWORD",
)  # fmt: skip
# Addresses that may be a secret by themselves, as those of webhooks are; messages show no more than the host.
DESTINATIONS = "OUTBOUND_TO_"
# Shorter values are words of the language rather than secrets.
LEAST_SECRET = 8


def without_secrets(text: str) -> str:
    """Return `text` without logins of URLs, passwords of connection strings, and known secrets."""
    for value in _known_secrets():
        text = text.replace(value, "***")
    return PASSWORD.sub(r"\1\2***", LOGIN.sub("***", text))


def environment_without_secrets(*needed: str) -> dict[str, str]:
    """Environment for a child process that sees the same settings, but no password, key or login.

    `needed` names those that it is given all the same.
    """
    secret = (*SECRET_SETTINGS, *ADDRESSES, DESTINATIONS)
    kept = {k: v for k, v in os.environ.items() if k in needed or not k.startswith(secret)}
    return {**kept, "PYTHONPATH": IMPORTS, "REVLOG_VAR": str(settings().var)}


def run_command(command: Callable[[], object]) -> None:
    """Run a command line; what says no is told by its message alone, what nobody expected in full."""
    try:
        command()
    except SettingsError as error:
        sys.exit(str(error))
    except Refusal as error:
        sys.exit(without_secrets(str(error)))
    except Exception as error:
        if _is_away(error):
            sys.exit(without_secrets(str(error)))
        sys.stderr.write(without_secrets(traceback.format_exc()))
        sys.exit(1)


def _is_away(error: Exception) -> bool:
    """True where a server could not be reached: no line of ours is to blame."""
    import psycopg

    return isinstance(error, psycopg.OperationalError) and error.sqlstate is None


def _known_secrets() -> list[str]:
    """Values that nobody shall read; the longest first, since one may hold another."""
    given = {**dotenv_values(env_file()), **os.environ}
    found = {v or "" for k, v in given.items() if k.startswith(SECRET_SETTINGS)}
    for name in ADDRESSES:
        found |= _parts_of_login(given.get(name) or "")
    if secrets_file().exists():
        found |= set(json.loads(secrets_file().read_text() or "{}").values())
    if folder := secrets_folder():
        found |= {path.read_text().strip() for path in folder.glob("*") if os.access(path, os.R_OK)}
    return sorted((v for v in found if len(v) >= LEAST_SECRET), key=len, reverse=True)


def _parts_of_login(address: str) -> set[str]:
    """The password of an address as it is written and as it is meant, also where it is written wrongly."""
    login = address.partition("://")[2].rpartition("@")[0]
    password = login.partition(":")[2]
    named = [value.strip("'") for _, _, value in PASSWORD.findall(address)]
    return {login, password, unquote(password), *named}
