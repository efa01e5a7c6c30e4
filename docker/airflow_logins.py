"""Airflow's roles and first users, made or brought up to date; may be repeated.

A role may do what its work needs and no more. What Airflow brings along (Viewer, User, Op) can't tell one DAG
from another: who has User or Op may close periods and erase customers, so nobody is given them here.
"""

from __future__ import annotations

import logging
import os
from typing import Any

from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder
from airflow.providers.fab.www.security import permissions as fab
from airflow.utils.providers_configuration_loader import providers_configuration_loaded
from werkzeug.security import check_password_hash

NIGHTS = ("ingest_erp", "ingest_wms", "ingest_crm", "build_marts", "maintenance")
CLOSING, ERASING = "close_period", "erase_customer"
# Runs of the DAG that erases name people, so not even their existence is everybody's to see.
FOR_ALL_EYES = (*NIGHTS, CLOSING)
# Which DAGs a role may see, and which it may trigger and pause.
ROLES = {
    "night_viewer": (FOR_ALL_EYES, ()),
    "night_operator": (FOR_ALL_EYES, NIGHTS),
    "finance": (FOR_ALL_EYES, (CLOSING,)),
    "privacy_officer": ((*FOR_ALL_EYES, ERASING), (ERASING,)),
}
# To run a night again is to change its runs and tasks; each of it asks for the right to its DAG, too.
MAY_CLEAR = {"night_operator"}
# User, and the variable that holds their password, by role.
USERS = {
    "Admin": ("admin", "AIRFLOW_ADMIN_PASSWORD"),
    "night_viewer": ("viewer", "AIRFLOW_VIEWER_PASSWORD"),
    "night_operator": ("operator", "AIRFLOW_OPERATOR_PASSWORD"),
    "finance": ("finance", "AIRFLOW_FINANCE_PASSWORD"),
    "privacy_officer": ("privacy", "AIRFLOW_PRIVACY_PASSWORD"),
}

Pair = tuple[str, str]


def rights(role: str, of_viewer: list[Pair]) -> list[Pair]:
    """Pairs of action and resource; `of_viewer` are those of Airflow's own Viewer, who sees every DAG."""
    sees, runs = ROLES[role]
    found = [pair for pair in of_viewer if pair != (fab.ACTION_CAN_READ, fab.RESOURCE_DAG)]
    found += [(fab.ACTION_CAN_READ, fab.resource_name(dag, fab.RESOURCE_DAG)) for dag in sees]
    for dag in runs:
        found.append((fab.ACTION_CAN_EDIT, fab.resource_name(dag, fab.RESOURCE_DAG)))
        found.append((fab.ACTION_CAN_CREATE, fab.resource_name(dag, fab.RESOURCE_DAG_RUN)))
    if role in MAY_CLEAR:
        found += [
            (fab.ACTION_CAN_EDIT, fab.RESOURCE_DAG_RUN),
            (fab.ACTION_CAN_EDIT, fab.RESOURCE_TASK_INSTANCE),
        ]
    return found


def set_role(security: Any, role: str) -> None:
    """Give a role its rights, and take from it what it had beside them."""
    wanted = [security.create_permission(*pair) for pair in rights(role, security.VIEWER_PERMISSIONS)]
    found = security.add_role(role)
    for permission in set(found.permissions) - set(wanted):
        security.remove_permission_from_role(found, permission)
    for permission in wanted:
        security.add_permission_to_role(found, permission)


def set_user(security: Any, role: str, name: str, password: str) -> None:
    """Create a user, or give them the password that the environment holds."""
    user = security.find_user(username=name)
    if user is None:
        security.add_user(name, name, role, f"{name}@localhost", security.find_role(role), password)
    elif not check_password_hash(user.password, password):
        security.reset_password(user.id, password)


@providers_configuration_loaded
def main() -> None:
    """Bring roles and users up to date."""
    logging.disable(logging.INFO)  # a line for each right
    with get_application_builder() as builder:
        builder.sm.sync_roles()
        for role in ROLES:
            set_role(builder.sm, role)
        for role, (name, variable) in USERS.items():
            set_user(builder.sm, role, name, os.environ[variable])
    print(f"airflow: users {', '.join(name for name, _ in USERS.values())}")


if __name__ == "__main__":
    main()
