from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from uuid import uuid4

import pytest_asyncio
from fastapi import FastAPI

from infra.local.testing import Database, database
from services.reservations.tests.cinema import new_app
from services.shared.testing import environment, running


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def app(postgres: str, migrated: Database) -> AsyncIterator[FastAPI]:
    """The service, running once for all tests of this folder: each has showtimes and people of its own."""
    service = new_app()
    with database(postgres, f"test_{uuid4().hex[:12]}", template=migrated.name) as copy:
        async with AsyncExitStack() as stack:
            with environment(copy.environment()):
                await stack.enter_async_context(running(service))
            yield service
