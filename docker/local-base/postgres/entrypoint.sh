#!/bin/sh
# The part of the official image's entrypoint that docker-compose.yml uses: initialise an empty PGDATA with
# POSTGRES_USER, POSTGRES_PASSWORD (required) and POSTGRES_DB, then run `postgres` with the given arguments.
set -eu
if [ "$(id -u)" = 0 ]; then
    install -d -o postgres -g postgres -m 0700 "$(dirname "$PGDATA")" "$PGDATA"
    chown postgres:postgres /var/lib/postgresql
    exec setpriv --reuid=postgres --regid=postgres --clear-groups "$0" "$@"
fi
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    : "${POSTGRES_PASSWORD:?must be set to initialise the database}"
    user=${POSTGRES_USER:-postgres}
    database=${POSTGRES_DB:-$user}
    passwords=$(mktemp)
    printf '%s\n' "$POSTGRES_PASSWORD" > "$passwords"
    # Built beside and moved: a start that is killed leaves no half-made cluster behind.
    rm -rf "$PGDATA.new"
    initdb -D "$PGDATA.new" -U "$user" --pwfile="$passwords" -E UTF8 \
        --auth-local=trust --auth-host=scram-sha-256 --locale-provider=builtin --locale=C.UTF-8
    rm -f "$passwords"
    printf 'host all all all scram-sha-256\n' >> "$PGDATA.new/pg_hba.conf"
    printf "listen_addresses = '*'\n" >> "$PGDATA.new/postgresql.conf"
    if [ "$database" != postgres ]; then
        printf 'create database "%s";\n' "$database" | postgres --single -D "$PGDATA.new" postgres > /dev/null
    fi
    rmdir "$PGDATA"
    mv "$PGDATA.new" "$PGDATA"
fi
exec "$@"
