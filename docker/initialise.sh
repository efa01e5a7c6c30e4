#!/bin/sh
# Bring databases, roles and Airflow's tables to what this image expects. May run any number of times.
set -eu
# A volume of a version in which one user ran everything.
chmod -R g+rwX "$REVLOG_VAR" && find "$REVLOG_VAR" -type d -exec chmod g+s {} +
[ ! -d "$REVLOG_VAR/finance" ] || chmod -R go= "$REVLOG_VAR/finance"
echo "secrets: a file for each, readable by who needs it"
python docker/hand_out_secrets.py
echo "warehouse: schemas, tables, roles, grants"
python -m warehouse migrate
echo "airflow: database, tables, pool, roles, users"
python -c "from warehouse.migrate import create_airflow_database; create_airflow_database()"
airflow db migrate
airflow pools set warehouse_writes 4 "writers of the warehouse" > /dev/null
# The environment's passwords win, also over those that were set before.
python docker/airflow_logins.py
# Of versions whose one user was in a file.
rm -f "$AIRFLOW_HOME/passwords.json"
echo "initialised"
