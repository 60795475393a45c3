"""Events in: the inbox row first, then the handler, in one transaction; what fails is parked and tried again."""

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from pydantic import ValidationError
from sqlalchemy import delete, func, select, update
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
MOST_ATTEMPTS = 1 + len(NOT_YET_AFTER) + len(RETRY_AFTER)
# A try that takes longer has lost its process, and the message is tried by the next one.
LONGEST_TRY = timedelta(seconds=30)
LONGEST_SLEEP_SECONDS = 1.0
DATABASE_AWAY_SECONDS = 0.5
DUE_AT_ONCE = 100
SIGNAL = "parked"
QUERY_CANCELED = "57014"

log = structlog.get_logger()


class NotYet(Exception):
    """Raised by a handler whose event came before another one it needs: it is tried again soon."""


class Unreadable(Exception):
    """The body is not what its name says; trying again is useless."""


class NoHandler(Exception):
    """We do not handle events of this name: not any more, or not before the deployment that is under way is done."""


class Crashed(Exception):
    """The process died over this message again and again."""


class Consumer:
    """One service's side of the bus."""

    def __init__(self, sessions: Sessions, handlers: Handlers) -> None:
        self.sessions = sessions
        self.handlers = handlers
        # The pool grows to twice its size: half of it stays free for requests, however many messages come at once.
        self._slots = asyncio.Semaphore(sessions.settings.database_pool_size)

    async def receive(self, message: Message) -> None:
        """Handle or park a message; while the database is away, keep it and wait.

        A commit whose answer was lost is simply tried again: the inbox knows whether it went through.
        """
        async with self._slots:
            await self._outlast_outages(message, self._handle_or_park)

    async def bury(self, message: Message) -> None:
        """Keep what the broker itself gave up on, for a person to look at."""
        await self._outlast_outages(message, self._bury)

    async def _outlast_outages(self, message: Message, work: Callable[[Message], Awaitable[None]]) -> None:
        with context(message):
            while True:
                try:
                    return await work(message)
                except Exception as error:
                    if not is_database_away(error):
                        raise
                    log.warning("database away, message kept", error=type(error).__name__)
                    await asyncio.sleep(DATABASE_AWAY_SECONDS)

    async def _handle_or_park(self, message: Message) -> None:
        try:
            async with self.sessions.begin() as session:
                await handle(session, self.handlers, message)
        except Exception as error:
            if is_database_away(error):
                raise
            async with self.sessions.begin() as session:
                await park(session, message, error)

    async def _bury(self, message: Message) -> None:
        async with self.sessions.begin() as session:
            await park(session, message, Crashed("delivered again and again, never acknowledged"))

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
            due = select(Parked.event_id).where(*is_due()).order_by(Parked.next_at).limit(DUE_AT_ONCE)
            ids = (await session.scalars(due)).all()
        for id_ in ids:
            await self._retry(id_)

    async def _retry(self, id_: UUID) -> None:
        row = await self._claim(id_)
        if row is None:
            return
        message = Message(row.event_id, row.name, row.body, row.headers)
        with context(message):
            try:
                await self._try_again(message, row.attempts)
            except Exception as error:
                if is_database_away(error):
                    raise
                async with self.sessions.begin() as session:
                    await park_again(session, id_, error, row.attempts)

    async def _claim(self, id_: UUID) -> Parked | None:
        """Count the try and put the next one off before it is made: other replicas find the message not due, and one
        that kills the process is not tried for ever."""
        mine = update(Parked).where(Parked.event_id == id_, *is_due()).returning(Parked)
        async with self.sessions.begin() as session:
            return await session.scalar(
                mine.values(attempts=Parked.attempts + 1, next_at=func.clock_timestamp() + LONGEST_TRY)
            )

    async def _try_again(self, message: Message, attempts: int) -> None:
        if attempts > MOST_ATTEMPTS:
            raise Crashed("tried again and again, never finished")
        async with self.sessions.begin() as session:
            await handle(session, self.handlers, message)
            await session.execute(delete(Parked).where(Parked.event_id == message.id))


async def handle(session: AsyncSession, handlers: Handlers, message: Message) -> None:
    event = decode(message)
    handler = handlers.get(type(event))
    if handler is None:
        raise NoHandler(message.name)
    first = insert(Inbox).values(event_id=event.id).on_conflict_do_nothing().returning(Inbox.event_id)
    if await session.scalar(first) is not None:
        await handler(session, event)


def decode(message: Message) -> Event:
    """Raises NoHandler, Unreadable."""
    kind = EVENTS.get(message.name)
    if kind is None:
        raise NoHandler(f"no event is called {message.name!r}")
    try:
        event = kind.model_validate_json(message.body)
    except ValidationError as error:
        raise Unreadable(str(error)) from error
    if event.id != message.id:
        raise Unreadable(f"the message's id and the event's, {event.id}, differ")
    return event


def context(message: Message) -> Any:
    """Log lines of a handler carry the ids of the event and of the request that caused it."""
    ids = {key: message.headers[key] for key in ("request_id", "booking_id") if key in message.headers}
    return bound_contextvars(event_name=message.name, event_id=str(message.id), **ids)


def is_database_away(error: Exception) -> bool:
    """As opposed to a handler that takes longer than the database allows: that one is parked like other failures."""
    return is_outage(error) and getattr(getattr(error, "orig", None), "sqlstate", None) != QUERY_CANCELED


def is_due() -> tuple[ColumnElement[bool], ...]:
    return Parked.dead_at.is_(None), Parked.next_at <= func.clock_timestamp()


async def seconds_to_next(session: AsyncSession) -> float:
    next_at = select(func.extract("epoch", func.min(Parked.next_at) - func.clock_timestamp()))
    seconds = await session.scalar(next_at.where(Parked.dead_at.is_(None)))
    return LONGEST_SLEEP_SECONDS if seconds is None else float(seconds)


async def park(session: AsyncSession, message: Message, error: Exception) -> None:
    """Keep a message whose first try failed; one that is parked already stays as it is."""
    headers = {printable(key): printable(value) for key, value in message.headers.items()}
    new = insert(Parked).values(
        event_id=message.id, name=printable(message.name), body=message.body, headers=headers, **verdict(error, 1)
    )
    await session.execute(new.on_conflict_do_nothing(index_elements=[Parked.event_id]))
    fire_after_commit(session, SIGNAL)


async def park_again(session: AsyncSession, id_: UUID, error: Exception, attempts: int) -> None:
    await session.execute(update(Parked).where(Parked.event_id == id_).values(**verdict(error, attempts)))
    fire_after_commit(session, SIGNAL)


def verdict(error: Exception, attempts: int) -> dict[str, Any]:
    """What is written down of a failed try: when to try again, or that nobody will."""
    ladder = (*NOT_YET_AFTER, *RETRY_AFTER) if isinstance(error, NotYet) else RETRY_AFTER
    dead = isinstance(error, Unreadable | Crashed) or attempts > len(ladder)
    report = log.error if dead else log.info if isinstance(error, NotYet) else log.warning
    report("message parked", attempts=attempts, dead=dead, exc_info=None if isinstance(error, NotYet) else error)
    now = func.clock_timestamp()
    return {
        "attempts": attempts,
        "next_at": now if dead else now + ladder[attempts - 1],
        "error": printable("".join(traceback.format_exception_only(error)).strip()),
        "fingerprint": fingerprint(error),
        "dead_at": now if dead else None,
    }


def printable(text: str) -> str:
    """PostgreSQL's text and JSON take no null characters; a stranger's message may have some."""
    return text.replace("\0", "\ufffd")


def fingerprint(error: Exception) -> str:
    """Groups failures of one cause: the exception's type and the last line of ours it passed."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "/services/" in frame.filename]
    place = f"{frames[-1].filename.rpartition('/services/')[2]}:{frames[-1].name}" if frames else "unknown"
    return f"{type(error).__name__} at {place}"
