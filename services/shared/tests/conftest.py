from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from infra.local.testing import Database
from services.shared.bus import MemoryBroker
from services.shared.bus.memory import disorder
from services.shared.tests.carriers import Carrier, Memory, Rabbit
from services.shared.tests.participant import Participant


@pytest.fixture(params=["memory", "rabbit"])
async def carrier(request: pytest.FixtureRequest) -> Carrier:
    if request.param == "memory":
        return Memory(MemoryBroker(disorder(seed=4711)))
    rabbit = Rabbit(request.getfixturevalue("broker_url"))
    await rabbit.purge()
    return rabbit


@asynccontextmanager
async def joined(database: Database, name: str) -> AsyncIterator[Participant]:
    participant = Participant(database, name)
    await participant.open()
    yield participant
    await participant.engine.dispose()


@pytest.fixture
async def users(fresh_database: Database) -> AsyncIterator[Participant]:
    async with joined(fresh_database, "users") as participant:
        yield participant


@pytest.fixture
async def catalog(fresh_database: Database) -> AsyncIterator[Participant]:
    async with joined(fresh_database, "catalog") as participant:
        yield participant


@pytest.fixture
async def reservations(fresh_database: Database) -> AsyncIterator[Participant]:
    async with joined(fresh_database, "reservations") as participant:
        yield participant


@pytest.fixture
async def ticketing(fresh_database: Database) -> AsyncIterator[Participant]:
    async with joined(fresh_database, "ticketing") as participant:
        yield participant
