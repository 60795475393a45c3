"""Events in: the inbox row first, then the handler, in one transaction; what fails is parked and tried again."""

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from pydantic import ValidationError
from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.elements import ColumnElement

from services.shared.bus import Message
from services.shared.db import Sessions, fire_after_commit
from services.shared.errors import is_outage
from services.shared.events import EVENTS, Event
from services.shared.logging import bound_contextvars
from services.shared.messaging.tables import Inbox, Parked
from services.shared.signals import wait_for

Handler = Callable[[AsyncSession, Any], Awaitable[None]]
Handlers = Mapping[type[Event], Handler]

# After the last one a message is dead and waits for a person.
RETRY_AFTER = tuple(timedelta(seconds=seconds) for seconds in (1, 10, 60, 600, 3600))
# A message that came before what it needs is looked at again at once, before the ladder above.
NOT_YET_AFTER = tuple(timedelta(seconds=seconds) for seconds in (0.05, 0.2, 0.5))
LONGEST_SLEEP_SECONDS = 1.0
DATABASE_AWAY_SECONDS = 0.5
DUE_AT_ONCE = 100
SIGNAL = "parked"

log = structlog.get_logger()


class NotYet(Exception):
    """Raised by a handler whose event came before another one it needs: it is tried again soon."""


class Unreadable(Exception):
    """The message is no event we know; trying again is useless."""


@dataclass(frozen=True)
class Consumer:
    """One service's side of the bus."""

    sessions: Sessions
    handlers: Handlers

    async def receive(self, message: Message) -> None:
        """Handle or park a message; while the database is away, keep it and wait.

        A commit whose answer was lost is simply tried again: the inbox knows whether it went through.
        """
        while True:
            try:
                return await self._handle_or_park(message)
            except Exception as error:
                if not is_outage(error):
                    raise
                log.warning("database away, message kept", event=message.name, event_id=str(message.id))
                await asyncio.sleep(DATABASE_AWAY_SECONDS)

    async def _handle_or_park(self, message: Message) -> None:
        with context(message):
            try:
                async with self.sessions.begin() as session:
                    await handle(session, self.handlers, message)
            except Exception as error:
                if is_outage(error):
                    raise
                async with self.sessions.begin() as session:
                    await park(session, message, error)

    async def bury(self, message: Message) -> None:
        """Keep what the broker itself gave up on, for a person to look at."""
        async with self.sessions.begin() as session:
            await park(session, message, Unreadable("crashed the consumer again and again"), dead=True)

    async def retry_for_ever(self) -> None:
        """Try parked messages again when they are due."""
        while True:
            with self.sessions.signals.watching(SIGNAL) as woken:
                async with self.sessions.begin() as session:
                    seconds = await seconds_to_next(session)
                if seconds > 0:
                    await wait_for(woken, min(seconds, LONGEST_SLEEP_SECONDS))
                    continue
            await self.retry_due()

    async def retry_due(self) -> None:
        async with self.sessions.begin() as session:
            due = select(Parked).where(*is_due()).order_by(Parked.next_at).limit(DUE_AT_ONCE)
            rows = (await session.scalars(due)).all()
        for row in rows:
            await self._retry(row)

    async def _retry(self, row: Parked) -> None:
        message = Message(row.event_id, row.name, row.body, row.headers)
        mine = delete(Parked).where(Parked.event_id == row.event_id, *is_due()).returning(Parked.event_id)
        with context(message):
            try:
                async with self.sessions.begin() as session:
                    # Deleting locks the row: of several replicas one tries, the others find it gone.
                    if await session.scalar(mine):
                        await handle(session, self.handlers, message)
            except Exception as error:
                if is_outage(error):
                    raise
                async with self.sessions.begin() as session:
                    await park(session, message, error)


async def handle(session: AsyncSession, handlers: Handlers, message: Message) -> None:
    event = decode(message)
    first = insert(Inbox).values(event_id=message.id).on_conflict_do_nothing().returning(Inbox.event_id)
    if await session.scalar(first) is None:
        return
    await handlers[type(event)](session, event)


def decode(message: Message) -> Event:
    """Raises Unreadable."""
    try:
        return EVENTS[message.name].model_validate_json(message.body)
    except (KeyError, ValidationError) as error:
        raise Unreadable(str(error)) from error


def context(message: Message) -> Any:
    """Log lines of a handler carry the ids of the event and of the request that caused it."""
    ids = {key: message.headers[key] for key in ("request_id", "booking_id") if key in message.headers}
    return bound_contextvars(event=message.name, event_id=str(message.id), **ids)


def is_due() -> tuple[ColumnElement[bool], ...]:
    return Parked.dead_at.is_(None), Parked.next_at <= func.clock_timestamp()


async def seconds_to_next(session: AsyncSession) -> float:
    next_at = select(func.extract("epoch", func.min(Parked.next_at) - func.clock_timestamp()))
    seconds = await session.scalar(next_at.where(Parked.dead_at.is_(None)))
    return LONGEST_SLEEP_SECONDS if seconds is None else float(seconds)


async def park(session: AsyncSession, message: Message, error: Exception, *, dead: bool = False) -> None:
    """Write down the failed try and when to try again, or that nobody will."""
    known = await session.get(Parked, message.id, with_for_update=True)
    attempts = 1 if known is None else known.attempts + 1
    ladder = (*NOT_YET_AFTER, *RETRY_AFTER) if isinstance(error, NotYet) else RETRY_AFTER
    dead = dead or isinstance(error, Unreadable) or attempts > len(ladder)
    now = func.clock_timestamp()
    values = {
        "attempts": attempts,
        "next_at": now + (timedelta(0) if dead else ladder[attempts - 1]),
        "error": "".join(traceback.format_exception_only(error)).strip(),
        "fingerprint": fingerprint(error),
        "dead_at": now if dead else None,
    }
    new = insert(Parked).values(
        event_id=message.id, name=message.name, body=message.body, headers=dict(message.headers), **values
    )
    await session.execute(new.on_conflict_do_update(index_elements=[Parked.event_id], set_=values))
    fire_after_commit(session, SIGNAL)
    report = log.error if dead else log.info if isinstance(error, NotYet) else log.warning
    report("message parked", attempts=attempts, dead=dead, exc_info=None if isinstance(error, NotYet) else error)


def fingerprint(error: Exception) -> str:
    """Groups failures of one cause: the exception's type and the last line of ours it passed."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "/services/" in frame.filename]
    place = f"{frames[-1].filename.rpartition('/services/')[2]}:{frames[-1].name}" if frames else "unknown"
    return f"{type(error).__name__} at {place}"
