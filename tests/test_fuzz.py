"""`make fuzz` finds what it looks for: here is a service with one fault of each kind."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from infra.local.ports import LOOPBACK, free_ports
from services.shared.app import new_app
from services.shared.auth import Role, at_least
from services.shared.errors import DomainError
from tests.fuzz.__main__ import schemathesis
from tests.fuzz.cinema import Cinema
from tests.fuzz.configuration import settings
from tests.people import eventually

EXAMPLES = 5


class Seat(BaseModel):
    number: int


class Unlisted(DomainError):
    detail = "No page tells of this. Read the source."


async def crash(number: int) -> Seat:
    return Seat(number=1 // (number - number))


async def lie() -> Seat:
    return JSONResponse({"number": "seven"})  # type: ignore[return-value]


async def refuse() -> Seat:
    raise Unlisted


async def let_in() -> Seat:
    return Seat(number=1)


async def work(number: int) -> Seat:
    return Seat(number=number)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    yield


def faulty() -> FastAPI:
    app = new_app("faulty", lifespan)
    for route in (crash, lie, refuse, work):
        app.add_api_route(f"/api/faulty/{route.__name__}", route, response_model=Seat)
    # Its page says that it needs a manager, and it forgets to ask for one.
    needed = at_least(Role.manager)
    app.add_api_route("/api/faulty/let_in", let_in, response_model=Seat, dependencies=[needed])
    app.dependency_overrides[needed.dependency] = lambda: None
    return app


@pytest.fixture
async def address() -> AsyncIterator[str]:
    port = free_ports(1)[0]
    server = uvicorn.Server(uvicorn.Config(faulty(), LOOPBACK, port, log_level="critical", lifespan="on"))
    serving = asyncio.create_task(server.serve())

    async def started() -> bool:
        return server.started

    await eventually(started)
    yield f"http://{LOOPBACK}:{port}/api/faulty/openapi.json"
    server.should_exit = True
    await serving


async def test_each_kind_of_fault_is_found_and_nothing_else(address: str, tmp_path: Path) -> None:
    content = settings(Cinema(words={"number": ["1", "2"]}), "theaters", Role.manager, seed=1)
    content |= {"operations": [], "generation": {**content["generation"], "max-examples": EXAMPLES}}
    done = await asyncio.to_thread(schemathesis, address, content, tmp_path / "fuzz", {})
    found = dict(re.findall(r"_{3,} GET /api/faulty/(\w+) _{3,}\n1\. .*\n\n- (?:ST\d+ )?(.*)\n", done.stdout))
    assert found == {
        "crash": "Server error",
        "lie": "Response violates schema",
        "let_in": "API accepts requests without authentication",
        "refuse": "Custom check failed: `documented_refusal`",
    }, done.stdout + done.stderr
