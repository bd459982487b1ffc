#!/bin/sh
# Brings Temporal's two databases to the schema of this image. Doing it twice
# does it once; a new image's schema comes before its server is started.
set -eu
SQL_PASSWORD=$(cat /run/secrets/temporal.password)
export SQL_PASSWORD
for name in temporal visibility; do
	database=temporal
	[ $name = temporal ] || database=temporal_visibility
	temporal-sql-tool --database $database setup-schema --version 0.0
	temporal-sql-tool --database $database update-schema --schema-name postgresql/v12/$name
done
