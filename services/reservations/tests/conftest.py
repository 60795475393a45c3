from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI

from infra.local.testing import Database
from services.reservations.app import app as service
from services.shared.testing import running


@pytest.fixture
async def app(fresh_database: Database) -> AsyncIterator[FastAPI]:
    """The service, running on a database of its own."""
    async with running(service):
        yield service
