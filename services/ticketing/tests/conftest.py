"""A ticketing service whose jobs run when a test says so, and a sandbox to be paid through."""

from collections.abc import AsyncIterator, Iterator

import pytest
from fastapi import FastAPI

from infra.local.testing import Database
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


@pytest.fixture
def settings_of_test(fresh_database: Database, sandbox: SandboxProcess) -> Iterator[dict[str, str]]:
    settings = {
        **fresh_database.environment(),
        "MARQUEE_STRIPE_API_KEY": API_KEY,
        "MARQUEE_STRIPE_API_BASE": f"{sandbox.origin}/sandbox",
        "MARQUEE_STRIPE_WEBHOOK_SECRET": f"whsec_older, {WEBHOOK_SECRET}",
        "MARQUEE_RATE_LIMIT_FACTOR": "0",
    }
    with environment(settings):
        yield settings


@pytest.fixture
async def app(settings_of_test: dict[str, str]) -> AsyncIterator[FastAPI]:
    """Without jobs: a test runs them when their time has come."""
    app = create_app("ticketing", router, HANDLERS, resources=resources)
    async with running(app):
        yield app


@pytest.fixture
async def shop(app: FastAPI, sandbox: SandboxProcess) -> AsyncIterator[Shop]:
    async with Shop(app, sandbox) as shop:
        yield shop
