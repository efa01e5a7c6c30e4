"""Settings of Superset, for `make bi` and for the container; everything that differs comes by environment.

SUPERSET_HOME: folder of the metadata database. SUPERSET_SECRET_KEY: signs sessions and encrypts the passwords
of connections; where BI_LOGINS names a folder, its file superset_key holds it.
"""

from __future__ import annotations

import os
from pathlib import Path

_LOGINS = os.environ.get("BI_LOGINS")
SECRET_KEY = (
    Path(_LOGINS, "superset_key").read_text().strip() if _LOGINS else os.environ["SUPERSET_SECRET_KEY"]
)
SQLALCHEMY_DATABASE_URI = f"sqlite:///{Path(os.environ['SUPERSET_HOME']) / 'superset.db'}"
# Guests have no login here; the key of their tokens must not be the one that everybody knows.
GUEST_TOKEN_JWT_SECRET = SECRET_KEY
APP_NAME = "Reverse logistics"

# One process with threads serves everyone, so caches may lie in its memory. Figures change once a night.
_IN_MEMORY = {"CACHE_TYPE": "SimpleCache", "CACHE_THRESHOLD": 2000}
CACHE_CONFIG = {**_IN_MEMORY, "CACHE_DEFAULT_TIMEOUT": 300}
DATA_CACHE_CONFIG = {**_IN_MEMORY, "CACHE_DEFAULT_TIMEOUT": 60}
FILTER_STATE_CACHE_CONFIG = {**_IN_MEMORY, "CACHE_DEFAULT_TIMEOUT": 90 * 86_400}
EXPLORE_FORM_DATA_CACHE_CONFIG = {**_IN_MEMORY, "CACHE_DEFAULT_TIMEOUT": 7 * 86_400}

FEATURE_FLAGS = {"DRILL_TO_DETAIL": True, "DRILL_BY": True, "DASHBOARD_RBAC": False, "ALERT_REPORTS": False}
# Nobody gets in without a login, and no page asks another host for anything.
PUBLIC_ROLE_LIKE = None
AUTH_USER_REGISTRATION = False
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
TALISMAN_ENABLED = True
TALISMAN_CONFIG = {
    "content_security_policy": {
        "base-uri": ["'self'"],
        "default-src": ["'self'"],
        "img-src": ["'self'", "blob:", "data:"],
        "worker-src": ["'self'", "blob:"],
        "connect-src": ["'self'"],
        "object-src": "'none'",
        "style-src": ["'self'", "'unsafe-inline'"],
        "script-src": ["'self'", "'strict-dynamic'"],
    },
    "content_security_policy_nonce_in": ["script-src"],
    "force_https": False,
    # `make bi` is plain HTTP on loopback; behind TLS set BI_SECURE_COOKIE.
    "session_cookie_secure": bool(os.environ.get("BI_SECURE_COOKIE")),
}
SESSION_COOKIE_SECURE = bool(os.environ.get("BI_SECURE_COOKIE"))
SUPERSET_WEBSERVER_TIMEOUT = 60
ROW_LIMIT = 10_000
SAMPLES_ROW_LIMIT = 1_000
LOG_LEVEL = "WARNING"
