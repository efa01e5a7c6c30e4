"""Bring Superset to what this folder says; may be repeated.

Roles, users, connections, datasets, charts and dashboards. Superset's own Python runs it, which knows nothing
of the rest of this repository: everything comes by environment, or from files of a folder that BI_LOGINS
names. What people made beside it stays; what this folder holds is replaced.

BI_ADDRESS: host:port/database of the warehouse, with ?sslmode=... where it needs it. BI_CURRENCY: the
reporting currency. Passwords: of bi_reader and finance_reader, and of the users in USERS.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml

ASSETS = Path(__file__).with_name("assets")
LOGINS = {"Returns": "bi_reader", "Refunds": "finance_reader"}
# What nobody's currency is: the generator writes it where the company's goes.
NO_CURRENCY = "XXX"
# User, role, and the connections that the role opens.
READER, FINANCE = "Returns reader", "Refunds reader"
ROLES = {READER: ("Returns",), FINANCE: ("Returns", "Refunds")}
USERS = {"admin": "Admin", "reader": READER, "finance": FINANCE}
# Of Superset's role Gamma, which may look and explore; who sees a dashboard goes by its connection alone.
LIKE = "Gamma"
# What Gamma lacks, and what leads from a figure to its rows.
DRILL = ("can_samples", "Datasource")


def secret(name: str) -> str:
    """Secret `name`: a file of the folder BI_LOGINS, else the variable BI_<NAME>."""
    folder = os.environ.get("BI_LOGINS")
    if folder:
        return Path(folder, name).read_text().strip()
    return os.environ[f"BI_{name.upper()}"]


def address(role: str) -> str:
    """Address of the warehouse as one of its readers."""
    return f"postgresql+psycopg2://{role}:{quote(secret(role), safe='')}@{os.environ['BI_ADDRESS']}"


def contents() -> dict[str, str]:
    """The files to import, with this warehouse's address and currency in them."""
    found = {}
    for file in sorted(ASSETS.rglob("*.yaml")):
        text = file.read_text(encoding="utf-8")
        config = yaml.safe_load(text)
        if "sqlalchemy_uri" in config:
            config["sqlalchemy_uri"] = address(LOGINS[config["database_name"]])
            text = yaml.safe_dump(config)
        found[str(file.relative_to(ASSETS))] = text.replace(
            f"symbol: {NO_CURRENCY}", f"symbol: {os.environ['BI_CURRENCY']}"
        )
    return found


def main() -> None:
    """Install everything."""
    from superset.app import create_app

    with create_app().app_context():
        from flask import g
        from flask_migrate import upgrade
        from superset import appbuilder, security_manager

        upgrade()
        appbuilder.add_permissions(update_perms=True)
        security_manager.sync_role_definitions()
        _make_admin(security_manager)
        g.user = security_manager.find_user("admin")
        _import()
        _make_roles(security_manager)
        for user, role in USERS.items():
            _make_user(security_manager, user, role)


def _import() -> None:
    from superset.commands.importers.v1.assets import ImportAssetsCommand

    ImportAssetsCommand(contents()).run()


def _make_admin(manager: Any) -> None:
    if manager.find_user("admin") is None:
        _make_user(manager, "admin", "Admin")


def _make_roles(manager: Any) -> None:
    """Roles that may look at everything of their connections, and at nothing of another."""
    from superset import db
    from superset.models.core import Database

    databases = {database.database_name: database for database in db.session.query(Database)}
    like = manager.find_role(LIKE)
    for name, connections in ROLES.items():
        role = manager.add_role(name) or manager.find_role(name)
        opened = [
            manager.add_permission_view_menu("database_access", databases[connection].perm)
            for connection in connections
        ]
        role.permissions = [*like.permissions, *opened, manager.add_permission_view_menu(*DRILL)]
    db.session.commit()


def _make_user(manager: Any, name: str, role: str) -> None:
    """The password of the environment wins, also over one that was set before."""
    found = manager.find_user(name)
    if found is None:
        manager.add_user(
            name,
            name.title(),
            "",
            f"{name}@localhost",
            manager.find_role(role),
            password=secret(f"superset_{name}"),
        )
        return
    found.roles = [manager.find_role(role)]
    manager.update_user(found)
    manager.reset_password(found.id, secret(f"superset_{name}"))


if __name__ == "__main__":
    main()
