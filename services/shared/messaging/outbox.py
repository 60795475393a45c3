"""Events out: `publish` writes a row in the caller's transaction; one relay a service carries the rows to the bus."""

from datetime import timedelta
from typing import Any, cast

import structlog
from sqlalchemy import CursorResult, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.shared.bus import Bus, BusAway, Message, Undeliverable
from services.shared.db import Sessions, fire_after_commit
from services.shared.events import EVENTS, Event, OfBooking
from services.shared.leases import Lessee
from services.shared.logging import request_id
from services.shared.messaging.tables import EventLog, Outbox
from services.shared.signals import wait_for

BATCH = 500
BUSY_SECONDS = 0.02
IDLE_SECONDS = 0.5
AWAY_SECONDS = 1.0
ATTEMPTS = 20
LEASE = timedelta(seconds=5)
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
    event = EVENTS[row.name].model_validate(row.body)
    return Message(row.event_id, row.name, event.model_dump_json().encode(), row.headers)


async def relay_for_ever(sessions: Sessions, bus: Bus) -> None:
    """Carry what is in the outbox while this process has the lease; wake up at each commit that published.

    Two relays for a moment are harmless, since the inbox knows what it has seen.
    """
    lessee = Lessee(sessions, "relay", LEASE)
    pause = BUSY_SECONDS
    while True:
        with sessions.signals.watching(SIGNAL) as woken:
            moved = 0
            try:
                if await lessee.holds():
                    moved = await relay_once(sessions, bus)
                pause = BUSY_SECONDS if moved else min(pause * 2, IDLE_SECONDS)
            except BusAway as error:
                log.warning("events wait for the bus", error=str(error))
                pause = AWAY_SECONDS
            if not moved:
                await wait_for(woken, pause)


async def relay_once(sessions: Sessions, bus: Bus) -> int:
    """Publish the oldest batch; returns how many rows left the outbox. Raises BusAway and leaves all where they are."""
    async with sessions.begin() as session:
        waiting = select(Outbox).where(Outbox.dead_at.is_(None)).order_by(Outbox.attempts, Outbox.id).limit(BATCH)
        rows = (await session.scalars(waiting)).all()
    if not rows:
        return 0
    results = await bus.publish([encode(row) for row in rows])
    done = [row.id for row, result in zip(rows, results, strict=True) if result is None]
    async with sessions.begin() as session:
        for row, result in zip(rows, results, strict=True):
            if result is not None:
                await note_failure(session, row, result)
        return await move_to_log(session, done)


async def move_to_log(session: AsyncSession, ids: list[int]) -> int:
    columns = [EventLog.id, EventLog.event_id, EventLog.name, EventLog.body, EventLog.headers, EventLog.created_at]
    names = [column.key for column in columns]
    moved = delete(Outbox).where(Outbox.id.in_(ids)).returning(*(getattr(Outbox, name) for name in names)).cte("moved")
    result = await session.execute(insert(EventLog).from_select(names, select(*(moved.c[name] for name in names))))
    return cast("CursorResult[Any]", result).rowcount


async def note_failure(session: AsyncSession, row: Outbox, error: Undeliverable) -> None:
    """The bus is well and refused this one: after 20 tries a person has to look at it."""
    last = row.attempts + 1 >= ATTEMPTS
    log.error("event refused by the bus", event=row.name, event_id=str(row.event_id), error=str(error), dead=last)
    values = {"attempts": row.attempts + 1, "error": str(error), "dead_at": func.now() if last else None}
    await session.execute(update(Outbox).where(Outbox.id == row.id).values(values))
