#!/bin/sh
# In the container: bring everything to what the image holds, then serve. One process, since its caches are its own.
set -eu
umask 0077
python bi/install.py
exec gunicorn --bind 0.0.0.0:8088 --workers 1 --worker-class gthread --threads 8 --timeout 120 \
    "superset.app:create_app()"
