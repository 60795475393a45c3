"""What the tests of every service need: its app running on a database of its own, callers, events in and out."""

import asyncio
import gc
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from uuid import UUID

import httpx
from fastapi import FastAPI
from sqlalchemy import select
from starlette.types import ASGIApp

from services.shared import keys
from services.shared.auth import Principal, Role, mint
from services.shared.bus import Message
from services.shared.db import Sessions
from services.shared.events import EVENTS, Event
from services.shared.ids import new_id
from services.shared.messaging import Consumer, Handlers
from services.shared.messaging.outbox import encode
from services.shared.messaging.tables import EventLog, Outbox, Parked
from services.shared.settings import DEVELOPMENT_KEY, PREFIX

BASE_URL = "http://marquee.test"


@contextmanager
def environment(values: dict[str, str]) -> Iterator[None]:
    """The MARQUEE_ settings of a test, and no others."""
    before = dict(os.environ)
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        del os.environ[name]
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@asynccontextmanager
async def running(*apps: FastAPI) -> AsyncIterator[None]:
    """The apps with their relays, consumers and jobs."""
    async with AsyncExitStack() as stack:
        for app in apps:
            await stack.enter_async_context(app.router.lifespan_context(app))
        yield
    # A connection that was just being opened when its task was cancelled is closed only when it is collected, and
    # until then PostgreSQL waits a minute for its password before it lets go of the database.
    await asyncio.sleep(0.01)
    gc.collect()


def token(role: Role = Role.customer, user_id: UUID | None = None, *, guest: bool = False) -> str:
    """An access token as the users service would give it in development."""
    ring = keys.parse(DEVELOPMENT_KEY, "MARQUEE_SIGNING_KEYS")
    return mint(ring, Principal(user_id or new_id(), role, guest), new_id())


def caller(app: ASGIApp, role: Role | None = None, user_id: UUID | None = None) -> httpx.AsyncClient:
    """A client that talks to `app` without a network, as a user of `role`; anonymous without one.

    Answers are buffered whole: for streams, serve the app on a port.
    """
    headers = {"Authorization": f"Bearer {token(role, user_id)}"} if role else {}
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE_URL, headers=headers)


async def published(app: FastAPI) -> list[Event]:
    """What the service has sent so far, oldest first, whether or not the bus has it yet."""
    sessions: Sessions = app.state.sessions
    async with sessions.begin() as session:
        logged = await session.execute(select(EventLog.event_id, EventLog.name, EventLog.body))
        waiting = await session.execute(select(Outbox.event_id, Outbox.name, Outbox.body))
        found = {id_: EVENTS[name].model_validate(body) for id_, name, body in (*logged, *waiting)}
    return [found[id_] for id_ in sorted(found)]


async def deliver(app: FastAPI, handlers: Handlers, *events: Event) -> None:
    """Hand events to the service as the bus would. What its handlers refuse is parked: see `parked`."""
    consumer = Consumer(app.state.sessions, handlers)
    for event in events:
        row = Outbox(event_id=event.id, name=type(event).__name__, body=event.model_dump(mode="json"), headers={})
        await consumer.receive(encode(row))


async def parked(app: FastAPI) -> list[Message]:
    """Messages that wait for another try or for a person."""
    sessions: Sessions = app.state.sessions
    async with sessions.begin() as session:
        rows = await session.scalars(select(Parked))
        return [Message(row.event_id, row.name, row.body, row.headers) for row in rows]
