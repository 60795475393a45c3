"""Servers and databases for all tests. Each test that asks for one has a database of its own."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import structlog
from structlog.contextvars import merge_contextvars

from infra.local.testing import Broker, Database, database, disposable_broker, postgres_server
from infra.postgres.roles import SERVICES
from services.shared import migrate
from services.shared.testing import environment

SERVICES_FOLDER = Path(__file__).parent / "services"


@pytest.fixture(scope="session", autouse=True)
def plain_logs() -> None:
    """The default renders each traceback with all local variables, which takes a second."""
    renderer = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[merge_contextvars, structlog.processors.add_log_level, renderer])


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A superuser's DSN."""
    with postgres_server() as dsn:
        yield dsn


@pytest.fixture(scope="session")
def migrated(postgres: str) -> Iterator[Database]:
    """A database with all schemas at their newest version, to copy from."""
    with database(postgres, "marquee_template") as template:
        for service in SERVICES:
            migrate.upgrade(service, template.url(service))
        yield template


@pytest.fixture
def fresh_database(postgres: str, migrated: Database) -> Iterator[Database]:
    """A copy of the migrated database, and the settings that point to it."""
    name = f"test_{uuid4().hex[:12]}"
    with database(postgres, name, template=migrated.name) as copy, environment(copy.environment()):
        yield copy


@pytest.fixture(scope="session")
def broker() -> Iterator[Broker]:
    """A real RabbitMQ."""
    with disposable_broker() as server:
        yield server
