#!/bin/sh
# Starts the server as its image does, with the password out of a file.
set -eu
POSTGRES_PWD=$(cat /run/secrets/temporal.password)
export POSTGRES_PWD
exec /etc/temporal/entrypoint.sh
