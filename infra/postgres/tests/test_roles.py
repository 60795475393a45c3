from collections.abc import Iterator
from itertools import permutations

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege

from infra.local.testing import PASSWORDS, Database, database, postgres_server
from infra.postgres.roles import SERVICES, prepare

NEIGHBOURS = list(permutations(SERVICES, 2))


@pytest.fixture(scope="module")
def prepared() -> Iterator[Database]:
    with postgres_server() as dsn, database(dsn, "roles") as prepared:
        for service in SERVICES:
            with connect(prepared, service) as connection:
                connection.execute("create table secret (content text)")
        yield prepared


def connect(database: Database, service: str, name: str | None = None) -> psycopg.Connection:
    url = database.url(service).replace("+psycopg", "")
    return psycopg.connect(url, dbname=name) if name else psycopg.connect(url)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_lands_in_its_own_schema_with_short_timeouts(prepared: Database, service: str) -> None:
    settings = "current_schema, current_setting('statement_timeout'), current_setting('lock_timeout')"
    with connect(prepared, service) as connection:
        row = connection.execute(
            f"select {settings}, current_setting('timezone') from secret right join (select) on true"
        )
        assert row.fetchone() == (service, "5s", "2s", "UTC")


@pytest.mark.parametrize(("service", "other"), NEIGHBOURS)
def test_a_service_is_refused_what_is_another_ones(prepared: Database, service: str, other: str) -> None:
    for statement in (
        f"select * from {other}.secret",
        f"insert into {other}.secret values ('x')",
        f"create table {other}.mine ()",
        f"drop table {other}.secret",
        f"set role {other}",
    ):
        with connect(prepared, service) as connection, pytest.raises(InsufficientPrivilege):
            connection.execute(statement)


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(
    "statement",
    ["create table public.mine ()", "create temporary table mine ()", "create schema mine", "create role mine"],
)
def test_a_service_makes_nothing_outside_its_schema(prepared: Database, service: str, statement: str) -> None:
    with connect(prepared, service) as connection, pytest.raises(InsufficientPrivilege):
        connection.execute(statement)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_enters_no_other_database(prepared: Database, service: str) -> None:
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        connect(prepared, service, name="postgres")


def test_preparing_again_keeps_the_data_and_sets_the_new_passwords(prepared: Database) -> None:
    prepare(prepared.dsn, PASSWORDS | {"users": "changed"}, prepared.name)
    try:
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            connect(prepared, "users")
    finally:
        prepare(prepared.dsn, PASSWORDS, prepared.name)
    with connect(prepared, "users") as connection:
        assert connection.execute("select count(*) from secret").fetchone() == (0,)


def test_a_copy_of_a_prepared_database_is_a_prepared_database(prepared: Database) -> None:
    with database(prepared.dsn, "roles_copy", template=prepared.name) as copy:
        with connect(copy, "catalog") as connection:
            assert connection.execute("select current_schema, count(*) from secret").fetchone() == ("catalog", 0)
        with connect(copy, "catalog") as connection, pytest.raises(InsufficientPrivilege):
            connection.execute("select * from users.secret")
