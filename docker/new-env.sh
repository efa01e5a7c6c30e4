#!/bin/sh
# Print what docker-compose.yml asks for and .env lacks: new passwords and keys, and today as the business date
# of the first night that runs by itself. Readable by you alone: (umask 077 && sh docker/new-env.sh >> .env)
set -eu
token() { head -c 24 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\n'; }
# A name that .env has keeps its value, so that this may be run again after an upgrade.
missing() { ! grep -q "^$1=." .env 2> /dev/null; }
for name in POSTGRES_PASSWORD REVLOG_PASSWORD_AIRFLOW REVLOG_PASSWORD_LOADER REVLOG_PASSWORD_TRANSFORMER \
    REVLOG_PASSWORD_VALIDATOR REVLOG_PASSWORD_PUBLISHER REVLOG_PASSWORD_REPORTER REVLOG_PASSWORD_SENDER REVLOG_PASSWORD_MAINTAINER \
    REVLOG_PASSWORD_BI_READER REVLOG_PASSWORD_FINANCE_READER REVLOG_PASSWORD_AUDITOR \
    REVLOG_SECRET_CUSTOMER_KEY REVLOG_SECRET_SUPERSET_KEY REVLOG_PASSWORD_SUPERSET_ADMIN \
    REVLOG_PASSWORD_SUPERSET_READER REVLOG_PASSWORD_SUPERSET_FINANCE AIRFLOW_ADMIN_PASSWORD AIRFLOW_VIEWER_PASSWORD AIRFLOW_OPERATOR_PASSWORD \
    AIRFLOW_FINANCE_PASSWORD AIRFLOW_PRIVACY_PASSWORD AIRFLOW_API_SECRET; do
    if missing "$name"; then echo "$name=$(token)"; fi
done
if missing AIRFLOW_JWT_SECRET; then echo "AIRFLOW_JWT_SECRET=$(token)$(token)"; fi
# Fernet wants 32 bytes, URL-safe base64, padded.
if missing AIRFLOW_FERNET_KEY; then
    echo "AIRFLOW_FERNET_KEY=$(head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '\n')"
fi
if missing NIGHTLY_FROM; then echo "NIGHTLY_FROM=$(date -u +%Y-%m-%d)"; fi
