"""Who is at work, as whoever let them in knows them: the system's login, or Airflow's.

What people type of themselves is kept beside it, never instead.
"""

from __future__ import annotations

import os
import pwd


def of_system() -> str:
    """The system user of this process, such as `system:ada`. No variable has a say in it."""
    uid = os.getuid()
    try:
        return f"system:{pwd.getpwuid(uid).pw_name}"
    except KeyError:
        return f"system:{uid}"


def of_airflow(user: str) -> str:
    """A user who has logged in to Airflow, such as `airflow:ada`."""
    return f"airflow:{user}"
