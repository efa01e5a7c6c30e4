#!/bin/sh
# Bring databases, roles and Airflow's tables to what this image expects. May run any number of times.
set -eu
echo "warehouse: schemas, tables, roles, grants"
python -m warehouse migrate
echo "airflow: database, tables, pool, password of admin"
python docker/metadata_database.py
airflow db migrate
airflow pools set warehouse_writes 4 "writers of the warehouse" > /dev/null
umask 077
mkdir -p "$AIRFLOW_HOME"
# The environment's password wins, also over one that was set before.
python -c 'import json, os; print(json.dumps({"admin": os.environ["AIRFLOW_ADMIN_PASSWORD"]}))' \
    > "$AIRFLOW_HOME/passwords.json"
echo "initialised"
