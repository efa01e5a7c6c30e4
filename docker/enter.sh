#!/bin/sh
# What one user of the image writes, the others may read and go on with: they share a group.
umask 0007
exec "$@"
