#!/bin/sh
# Bring databases, roles and Airflow's tables to what this image expects. May run any number of times.
set -eu
# A volume of a version in which one user ran everything: what that user made is shared, but for the folders that
# a stage keeps to itself, which begin anew.
for folder in finance reports; do
    if [ -O "$REVLOG_VAR/$folder" ]; then mv "$REVLOG_VAR/$folder" "$REVLOG_VAR/$folder-before-0.2.0"; fi
done
mkdir -p "$REVLOG_VAR/log"
find "$REVLOG_VAR" -name '*-before-0.2.0' -prune -o -user revlog ! -type l -exec chmod g+rwX {} +
find "$REVLOG_VAR" -name '*-before-0.2.0' -prune -o -user revlog -type d -exec chmod g+s {} +
echo "secrets: a file for each, readable by who needs it"
python docker/hand_out_secrets.py
echo "warehouse: schemas, tables, roles, grants"
revlog warehouse migrate
echo "airflow: database, tables, pool, roles, users"
python -c "from revlog.maintenance.migrate import create_airflow_database; create_airflow_database()"
airflow db migrate
airflow pools set warehouse_writes 4 "writers of the warehouse" > /dev/null
# The environment's passwords win, also over those that were set before.
python docker/airflow_logins.py
# Of versions whose one user was in a file.
rm -f "$AIRFLOW_HOME/passwords.json"
echo "initialised"
