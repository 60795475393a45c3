"""A ticketing service whose jobs run when a test says so, and a sandbox to be paid through."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from uuid import uuid4

import pytest
import pytest_asyncio
from fastapi import FastAPI

from infra.local.testing import Database, database
from infra.sandbox.tests.process import API_KEY, WEBHOOK_SECRET, SandboxProcess
from services.shared.app import create_app
from services.shared.testing import environment, running
from services.ticketing.api import router
from services.ticketing.api.resources import resources
from services.ticketing.handlers import HANDLERS
from services.ticketing.tests.shop import Shop


@pytest.fixture(scope="session")
def sandbox_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    process = SandboxProcess(tmp_path_factory.mktemp("sandbox"), "http://127.0.0.1:9/nobody")
    process.start()
    yield process
    process.kill()


@pytest.fixture
def sandbox(sandbox_process: SandboxProcess) -> Iterator[SandboxProcess]:
    yield sandbox_process
    sandbox_process.trouble()


def settings_for(database: Database, sandbox: SandboxProcess) -> dict[str, str]:
    return {
        **database.environment(),
        "MARQUEE_STRIPE_API_KEY": API_KEY,
        "MARQUEE_STRIPE_API_BASE": f"{sandbox.origin}/sandbox",
        "MARQUEE_STRIPE_WEBHOOK_SECRET": f"whsec_older, {WEBHOOK_SECRET}",
        "MARQUEE_RATE_LIMIT_FACTOR": "0",
    }


def without_jobs() -> FastAPI:
    """A test runs the jobs when their time has come."""
    return create_app("ticketing", router, HANDLERS, resources=resources)


@pytest.fixture
async def app(fresh_database: Database, sandbox: SandboxProcess) -> AsyncIterator[FastAPI]:
    """A service of the test's own."""
    app = without_jobs()
    with environment(settings_for(fresh_database, sandbox)):
        async with running(app):
            yield app


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def shared_app(postgres: str, migrated: Database, sandbox_process: SandboxProcess) -> AsyncIterator[FastAPI]:
    """One service for all tests that have a showtime and people of their own."""
    app = without_jobs()
    with database(postgres, f"test_{uuid4().hex[:12]}", template=migrated.name) as copy:
        async with AsyncExitStack() as stack:
            with environment(settings_for(copy, sandbox_process)):
                await stack.enter_async_context(running(app))
            yield app


@pytest_asyncio.fixture(loop_scope="package")
async def shop(shared_app: FastAPI, sandbox: SandboxProcess) -> AsyncIterator[Shop]:
    async with Shop(shared_app, sandbox) as shop:
        yield shop


@pytest.fixture
async def own_shop(app: FastAPI, sandbox: SandboxProcess) -> AsyncIterator[Shop]:
    """With nothing in its database but its own bookings."""
    async with Shop(app, sandbox) as shop:
        yield shop
