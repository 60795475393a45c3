"""Prepares a PostgreSQL cluster for Marquee. The statements stand in `roles.sql`, which psql can run as well."""

import json
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

SERVICES = ("users", "catalog", "theaters", "reservations", "ticketing")
ROLES = (Path(__file__).parent / "roles.sql").read_text()


def prepare(superuser_dsn: str, passwords: Mapping[str, str], database: str = "app") -> None:
    """Create `database` if it is missing, and in it a role and a schema per service, named like the service.

    `passwords` maps service to password; what is there already gets them anew. Safe to run again and at the same
    time as another one. Raises `psycopg.OperationalError` if the server cannot be reached.
    """
    server = make_conninfo(superuser_dsn, dbname="postgres")
    with psycopg.connect(server, autocommit=True) as admin:
        # Roles belong to the cluster, but advisory locks to a database: hold this one meanwhile.
        admin.execute("select pg_advisory_lock(hashtext('marquee.prepare'))")
        if not admin.execute("select 1 from pg_database where datname = %s", [database]).fetchone():
            admin.execute(sql.SQL("create database {}").format(sql.Identifier(database)))
        admin.execute("revoke connect on database postgres, template1 from public")
        with psycopg.connect(make_conninfo(superuser_dsn, dbname=database)) as connection:
            connection.execute("select set_config('marquee.passwords', %s, true)", [json.dumps(dict(passwords))])
            connection.execute(ROLES)


def service_url(superuser_dsn: str, service: str, password: str, database: str = "app") -> str:
    """`postgresql+psycopg://<service>:<password>@<host>:<port>/<database>`, for SQLAlchemy."""
    server = conninfo_to_dict(superuser_dsn)
    host, port = server.get("host", "127.0.0.1"), server.get("port", 5432)
    return f"postgresql+psycopg://{quote(service)}:{quote(password, safe='')}@{host}:{port}/{quote(database)}"
