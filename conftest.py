"""Servers and databases for all tests. Each test that asks for one has a database of its own."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import structlog
from structlog.contextvars import merge_contextvars
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling, Scheduling

from infra.local.testing import Broker, Database, database, disposable_broker, postgres_server
from infra.postgres.roles import SERVICES
from services.shared import migrate
from services.shared.testing import environment

ROOT = Path(__file__).parent
STACKS = "stacks"
HEAVY = ("tests", "services/shared/tests", "infra/local/tests", "infra/rabbitmq/tests")


class ByFolder(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """With several workers a folder's tests share one, and with it what they share: servers, apps, stacks."""

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)


def group(nodeid: str) -> str:
    """The folder, but whatever starts a broker or a stack goes together, so that no two of them run side by side."""
    folder = nodeid.partition("::")[0].rpartition("/")[0]
    return STACKS if folder in HEAVY else folder


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    return ByFolder(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole stacks first, since they take longest."""
    items.sort(key=lambda item: group(item.nodeid) != STACKS)


@pytest.fixture(scope="session", autouse=True)
def plain_logs() -> None:
    """The default renders each traceback with all local variables, which takes a second."""
    renderer = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[merge_contextvars, structlog.processors.add_log_level, renderer])


@pytest.fixture(scope="session", autouse=True)
def imports_set_aside() -> None:
    """What is loaded by now stays; a full collection, of which `running` makes one a test, need not look at it."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A superuser's DSN."""
    with postgres_server() as dsn:
        yield dsn


@pytest.fixture(scope="session")
def migrated(postgres: str) -> Iterator[Database]:
    """A database with all schemas at their newest version, to copy from."""
    with database(postgres, f"template_{uuid4().hex[:12]}") as template:
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
    """A real RabbitMQ of our own, which a test may stop if it starts it again."""
    with disposable_broker() as server:
        yield server


@pytest.fixture(scope="session")
def broker_url(request: pytest.FixtureRequest) -> str:
    """Where a RabbitMQ is that tests share and leave running: the one that `TEST_AMQP_URL` names, or our own."""
    given = os.environ.get("TEST_AMQP_URL")
    return given or str(request.getfixturevalue("broker").url)
