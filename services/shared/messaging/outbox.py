"""Events out: `publish` writes a row in the caller's transaction; one relay a service carries the rows to the bus."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import structlog
from pydantic_core import to_json
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.shared.bus import Bus, BusAway, Message, Undeliverable
from services.shared.db import Sessions, fire_after_commit
from services.shared.events import Event, OfBooking
from services.shared.leases import Lessee
from services.shared.logging import request_id
from services.shared.messaging.tables import EventLog, Outbox
from services.shared.signals import wait_for

BATCH = 500
BUSY_SECONDS = 0.02
IDLE_SECONDS = 0.5
AWAY_SECONDS = 1.0
PUT_OFF = timedelta(seconds=1)
ATTEMPTS = 20
# Short, since after a crash nothing is sent before it has expired.
LEASE = timedelta(seconds=3)
SIGNAL = "outbox"

log = structlog.get_logger()


def outbox_row(event: Event) -> dict[str, Any]:
    """An event as values of the outbox's columns, for a use case that writes them in a statement of its own.

    Such a use case calls `wake_relay` as well.
    """
    headers = {"request_id": request_id(), "occurred_at": event.occurred_at.isoformat()}
    if isinstance(event, OfBooking):
        headers["booking_id"] = str(event.booking_id)
    return {
        "event_id": event.id,
        "name": type(event).__name__,
        "body": event.model_dump(mode="json"),
        "headers": headers,
    }


def wake_relay(session: AsyncSession) -> None:
    fire_after_commit(session, SIGNAL)


def publish(session: AsyncSession, event: Event) -> None:
    """Send `event` if, and only if, the session's transaction commits."""
    session.add(Outbox(**outbox_row(event)))
    wake_relay(session)


def encode(row: Outbox) -> Message:
    return Message(row.event_id, row.name, to_json(row.body), row.headers)


async def relay_for_ever(sessions: Sessions, bus: Bus) -> None:
    """Carry what is in the outbox while this process has the lease; wake up at each commit that published.

    Two relays for a moment are harmless, since the inbox knows what it has seen.
    """
    lessee = Lessee(sessions, "relay", LEASE)
    pause = BUSY_SECONDS
    async with lessee.returned():
        while True:
            with sessions.signals.watching(SIGNAL) as woken:
                try:
                    relay = relay_once if await lessee.holds() else look_on
                    moved = await relay(sessions, bus)
                except BusAway as error:
                    log.warning("events wait for the bus", error=str(error))
                    await asyncio.sleep(AWAY_SECONDS)
                    continue
                if not moved:
                    await wait_for(woken, pause)
                pause = BUSY_SECONDS if moved else min(pause * 2, IDLE_SECONDS)


async def relay_once(sessions: Sessions, bus: Bus) -> int:
    """Publish the oldest batch; returns how many events have left the outbox. Raises BusAway."""
    async with sessions.begin() as session:
        waiting = select(Outbox).where(Outbox.dead_at.is_(None), Outbox.next_at <= func.now())
        rows = (await session.scalars(waiting.order_by(Outbox.id).limit(BATCH))).all()
    outcomes = await bus.publish([encode(row) for row in rows])
    if not rows:
        return 0
    results = list(zip(rows, outcomes, strict=True))
    async with sessions.begin() as session:
        await put_off(session, [(row, outcome) for row, outcome in results if isinstance(outcome, BusAway)])
        for row, outcome in results:
            if isinstance(outcome, Undeliverable):
                await note_refusal(session, row, outcome)
        sent = [row.id for row, outcome in results if outcome is None]
        await move_to_log(session, sent)
    return len(sent)


async def look_on(sessions: Sessions, bus: Bus) -> int:
    """While another process relays: once it has left nothing, this one is not behind either. Returns 0."""
    async with sessions.begin() as session:
        left = await session.scalar(select(func.count()).select_from(Outbox).where(Outbox.dead_at.is_(None)))
    if not left:
        await bus.publish([])
    return 0


async def put_off(session: AsyncSession, unsent: Sequence[tuple[Outbox, BusAway]]) -> None:
    """Try these again later, and the others meanwhile."""
    if unsent:
        log.warning("events put off", count=len(unsent), error=str(unsent[0][1]))
        later = update(Outbox).where(Outbox.id.in_([row.id for row, _ in unsent]))
        await session.execute(later.values(next_at=func.now() + PUT_OFF))


async def note_refusal(session: AsyncSession, row: Outbox, error: Undeliverable) -> None:
    """The bus is well and refused this one: after 20 tries, ever further apart, a person has to look at it."""
    attempts = row.attempts + 1
    dead = attempts >= ATTEMPTS
    log.error("event refused", event_name=row.name, event_id=str(row.event_id), error=str(error), dead=dead)
    values = {
        "attempts": attempts,
        "error": str(error),
        "next_at": func.now() + PUT_OFF * attempts,
        "dead_at": func.now() if dead else None,
    }
    await session.execute(update(Outbox).where(Outbox.id == row.id).values(values))


async def move_to_log(session: AsyncSession, ids: list[int]) -> None:
    """In one statement: an event is in the outbox or in the log, never in both or neither."""
    names = ["id", "event_id", "name", "body", "headers", "created_at"]
    moved = delete(Outbox).where(Outbox.id.in_(ids)).returning(*(getattr(Outbox, name) for name in names)).cte("moved")
    await session.execute(insert(EventLog).from_select(names, select(*(moved.c[name] for name in names))))
