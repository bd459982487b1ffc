#!/bin/sh
# Makes a role and a database for each ROLE:DATABASE, which no other role can
# open. A role's password is in /run/secrets/ROLE.password; it is set every
# time, so that changing the file and running this again changes it. Doing it
# twice does it once.
set -eu
secrets=${SECRETS:-/run/secrets}
PGPASSWORD=$(cat "$secrets/postgres.password")
export PGPASSWORD

# The passwords go in by psql's own reading of the files: not by the command
# line, which other processes can see.
for pair in "$@"; do
	psql -X -q -v ON_ERROR_STOP=1 -v role="${pair%%:*}" -v database="${pair#*:}" -v file="$secrets/${pair%%:*}.password" --dbname postgres <<'SQL'
SELECT format('CREATE ROLE %I LOGIN', :'role') WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'role') \gexec
\set secret `cat :'file'`
SELECT format('ALTER ROLE %I PASSWORD %L', :'role', :'secret') \gexec
SELECT format('CREATE DATABASE %I OWNER %I', :'database', :'role') WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \gexec
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
SQL
done
