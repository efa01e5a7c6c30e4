"""Write each secret of the environment into a file for those who need it, and nobody else; may be repeated.

A role's password is for the user of that name, the customer key for who hashes customers, what the landing
zone's storage wants to know for `loader` and, with where feeds go, for `sender`, Airflow's own secrets for
`revlog` alone, Superset's for the group of its container. `revlog` owns the files, and need not be root to
give them to groups it is in.
"""

from __future__ import annotations

import grp
import os
from pathlib import Path

from revlog.database.connections import ROLES, STAGE_ROLES
from revlog.ingestion.storage import CREDENTIALS, HANDED_OUT, HANDED_TO_SENDER
from revlog.outbound.destination import SETTINGS

ROOT = Path("/run/revlog")
AIRFLOW = {
    "sql_alchemy_conn": "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN",
    "fernet_key": "AIRFLOW__CORE__FERNET_KEY",
    "secret_key": "AIRFLOW__API__SECRET_KEY",
    "jwt_secret": "AIRFLOW__API_AUTH__JWT_SECRET",
}
# The passwords of the readers that Superset logs in as, and its own.
SUPERSET = {
    "bi_reader": "REVLOG_PASSWORD_BI_READER",
    "finance_reader": "REVLOG_PASSWORD_FINANCE_READER",
    "superset_admin": "REVLOG_PASSWORD_SUPERSET_ADMIN",
    "superset_reader": "REVLOG_PASSWORD_SUPERSET_READER",
    "superset_finance": "REVLOG_PASSWORD_SUPERSET_FINANCE",
    "superset_key": "REVLOG_SECRET_SUPERSET_KEY",
}


def write(path: Path, value: str, group: str | None = None) -> None:
    """Replace a file by one that `group` may read, or its owner alone."""
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
    with os.fdopen(handle, "w") as file:
        file.write(value)  # no line break: Airflow takes all that its command prints
        if group:
            os.fchown(handle, -1, grp.getgrnam(group).gr_gid)
            os.fchmod(handle, 0o440)
    new.replace(path)


def as_env_file(prefixes: tuple[str, ...]) -> str:
    """Settings that begin so, as lines of an env file."""
    given = {k: v for k, v in sorted(os.environ.items()) if v and k.startswith(prefixes)}
    quoted = {k: v.replace("\\", "\\\\").replace("'", "\\'") for k, v in given.items()}
    return "".join(f"{name}='{value}'\n" for name, value in quoted.items())


def main() -> None:
    """Hand out what the environment holds."""
    for role in ROLES:
        group = role if role in STAGE_ROLES else None
        write(ROOT / "warehouse" / role, os.environ[f"REVLOG_PASSWORD_{role.upper()}"], group)
    write(ROOT / "warehouse" / "customer_key", os.environ["REVLOG_SECRET_CUSTOMER_KEY"], "customer_key")
    write(ROOT / "warehouse" / HANDED_OUT, as_env_file(CREDENTIALS), "loader")
    write(ROOT / "warehouse" / HANDED_TO_SENDER, as_env_file((*CREDENTIALS, SETTINGS)), "sender")
    for name, variable in AIRFLOW.items():
        write(ROOT / "airflow" / name, os.environ[variable])
    for name, variable in SUPERSET.items():
        write(ROOT / "superset" / name, os.environ[variable], "superset")


if __name__ == "__main__":
    main()
