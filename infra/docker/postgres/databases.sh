#!/bin/bash
# What PostgreSQL holds when it starts for the first time: a database and a role for each service that keeps one, and a
# role for the audit, which reads both and changes neither, and one for a replica. Run by the image's entry point, once, on
# an empty volume.
set -euo pipefail

# Passwords reach psql as variables of the environment: on the command line, every process could read them.
run() {
    psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --username="$POSTGRES_USER" --dbname="$1"
}

for service in order inventory; do
    password="PLUMBLINE_${service^^}_PASSWORD"
    ROLE="plumbline_$service" PASSWORD="${!password}" run postgres <<'SQL'
\getenv role ROLE
\getenv password PASSWORD
CREATE ROLE :"role" LOGIN PASSWORD :'password';
CREATE DATABASE :"role" OWNER :"role";
REVOKE ALL ON DATABASE :"role" FROM PUBLIC;
SQL
done

run postgres <<'SQL'
\getenv password PLUMBLINE_AUDIT_PASSWORD
CREATE ROLE plumbline_audit LOGIN PASSWORD :'password';
ALTER ROLE plumbline_audit SET default_transaction_read_only = on;
GRANT pg_read_all_data TO plumbline_audit;
GRANT CONNECT ON DATABASE plumbline_order, plumbline_inventory TO plumbline_audit;
\getenv password PLUMBLINE_REPLICATOR_PASSWORD
CREATE ROLE plumbline_replicator LOGIN REPLICATION PASSWORD :'password';
SQL
echo 'host replication plumbline_replicator all scram-sha-256' >>"$PGDATA/pg_hba.conf"
