#!/bin/sh
# Print what docker-compose.yml asks for: new passwords and keys, and today as the business date of the first
# night that runs by itself. Readable by you alone: (umask 077 && sh docker/new-env.sh >> .env)
set -eu
token() { head -c 24 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\n'; }
for name in POSTGRES_PASSWORD REVLOG_PASSWORD_AIRFLOW REVLOG_PASSWORD_LOADER REVLOG_PASSWORD_TRANSFORMER \
    REVLOG_PASSWORD_PUBLISHER REVLOG_PASSWORD_BI_READER REVLOG_PASSWORD_FINANCE_READER \
    REVLOG_PASSWORD_AUDITOR REVLOG_SECRET_CUSTOMER_KEY AIRFLOW_ADMIN_PASSWORD AIRFLOW_API_SECRET; do
    echo "$name=$(token)"
done
echo "AIRFLOW_JWT_SECRET=$(token)$(token)"
# Fernet wants 32 bytes, URL-safe base64, padded.
echo "AIRFLOW_FERNET_KEY=$(head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '\n')"
echo "NIGHTLY_FROM=$(date -u +%Y-%m-%d)"
