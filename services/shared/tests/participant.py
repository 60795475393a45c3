"""A service reduced to its messages, on real tables and a real carrier: it writes down each event that it hears."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from infra.local.testing import Database
from services.shared import db
from services.shared.app import stop
from services.shared.bus import Bus
from services.shared.events import SUBSCRIPTIONS, Event, ShowtimeCancelled, UserVerified
from services.shared.ids import new_id
from services.shared.jobs import Health, supervise
from services.shared.messaging import Consumer, Handlers, publish
from services.shared.messaging.outbox import relay_for_ever
from services.shared.messaging.tables import EventLog, Outbox, Parked
from services.shared.settings import Settings
from services.shared.signals import Signals

HEARD = text("INSERT INTO heard (event_id, name) VALUES (:id, :name)")


async def nothing_more(_session: AsyncSession, _event: Event) -> None:
    pass


class Participant:
    """`react` is what its handlers do beside writing down what they hear, in the same transaction."""

    def __init__(self, database: Database, name: str) -> None:
        settings = Settings(database_url=database.url(name))
        self.name = name
        self.engine = db.connect(settings)
        self.sessions = db.Sessions(self.engine, settings, Signals())
        self.health = Health()
        self.react: Callable[[AsyncSession, Any], Awaitable[None]] = nothing_more
        handlers: Handlers = dict.fromkeys(SUBSCRIPTIONS[name], self.hear)
        self.consumer = Consumer(self.sessions, handlers)
        self.receive = self.consumer.receive

    async def hear(self, session: AsyncSession, event: Event) -> None:
        await session.execute(HEARD, {"id": event.id, "name": type(event).__name__})
        await self.react(session, event)

    async def open(self) -> None:
        async with self.sessions.begin() as session:
            await session.execute(text("CREATE TABLE IF NOT EXISTS heard (event_id uuid, name text)"))

    @asynccontextmanager
    async def running(self, bus: Bus) -> AsyncIterator[None]:
        await bus.subscribe(self.name, self.receive, self.consumer.bury)
        relay = partial(relay_for_ever, self.sessions, bus)
        parts: dict[str, Callable[[], Awaitable[None]]] = {"relay": relay, "parked": self.consumer.retry_for_ever}
        tasks = [asyncio.create_task(supervise(part, run, self.health)) for part, run in parts.items()]
        try:
            yield
        finally:
            await stop(tasks)
            await bus.close()

    async def publish(self, *events: Event) -> None:
        async with self.sessions.begin() as session:
            for event in events:
                publish(session, event)

    async def heard(self) -> list[UUID]:
        async with self.sessions.begin() as session:
            return list((await session.execute(text("SELECT event_id FROM heard ORDER BY event_id"))).scalars())

    async def parked(self) -> list[Parked]:
        async with self.sessions.begin() as session:
            return list(await session.scalars(select(Parked).order_by(Parked.event_id)))

    async def outbox(self) -> list[Outbox]:
        async with self.sessions.begin() as session:
            return list(await session.scalars(select(Outbox).order_by(Outbox.id)))

    async def logged(self) -> list[UUID]:
        async with self.sessions.begin() as session:
            return list(await session.scalars(select(EventLog.event_id).order_by(EventLog.id)))

    async def count(self, table: str) -> int:
        async with self.sessions.begin() as session:
            return await session.scalar(select(func.count()).select_from(text(table))) or 0


async def eventually(look: Callable[[], Awaitable[object]], expected: object, seconds: float = 15.0) -> None:
    """Wait until `look` finds what is expected; fails with what it found instead."""
    deadline = asyncio.get_running_loop().time() + seconds
    while (found := await look()) != expected:
        assert asyncio.get_running_loop().time() < deadline, f"found {found}, expected {expected}"
        await asyncio.sleep(0.02)


async def stays(look: Callable[[], Awaitable[object]], expected: object, seconds: float = 0.5) -> None:
    """It is so, and remains so for a while."""
    deadline = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < deadline:
        assert await look() == expected
        await asyncio.sleep(0.05)


def verified() -> UserVerified:
    """An event from users to ticketing alone."""
    return UserVerified(user_id=new_id(), email="ada@example.com", full_name="Ada", locale="en")


def cancelled() -> ShowtimeCancelled:
    """An event from catalog to reservations and ticketing."""
    return ShowtimeCancelled(showtime_id=new_id(), reason="the projector broke")


def ids(events: list[Any]) -> list[UUID]:
    return sorted(event.id for event in events)


def now() -> datetime:
    return datetime.now(UTC)
