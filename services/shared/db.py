"""One engine and one schema a service; one transaction a request, committed before the answer leaves."""

from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager
from copy import copy
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Protocol, TypeVar, cast
from uuid import UUID

from fastapi import Depends, Request
from sqlalchemy import DateTime, Enum, MetaData, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from services.shared.errors import DomainError
from services.shared.ids import seconds_old
from services.shared.settings import Settings
from services.shared.signals import Signals

NAMING = {
    "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "ck": "%(table_name)s_%(constraint_name)s_check",
    "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
    "pk": "%(table_name)s_pkey",
}

ARRIVAL_SECONDS = 2.0
YOUNG_SECONDS = 60.0

Row = TypeVar("Row")


class ModelBase:
    """Mix into each service's own DeclarativeBase, so that no two services share a MetaData."""

    type_annotation_map: ClassVar = {
        datetime: DateTime(timezone=True),
        str: Text(),
        dict[str, Any]: JSONB(),
        list[dict[str, Any]]: JSONB(),
        list[str]: JSONB(),
        StrEnum: Enum(
            StrEnum, native_enum=False, length=32, values_callable=lambda enum: [member.value for member in enum]
        ),
    }


def new_metadata() -> MetaData:
    return MetaData(naming_convention=NAMING)


def connect(settings: Settings) -> AsyncEngine:
    """An engine for the service's own database role, whose `search_path` is the service's schema.

    No ping before each use: a connection that broke answers 503 once and empties the pool.
    """
    return create_async_engine(
        settings.database_url,
        pool_size=settings.database_pool_size,
        max_overflow=settings.database_pool_size,
        pool_timeout=3,
        pool_recycle=1800,
        hide_parameters=True,  # errors go to logs and parked messages, and the values may be somebody's
    )


class Sessions:
    """Opens the transactions of one service and, once one is committed, wakes what waits for it."""

    _note: Callable[[AsyncSession], Awaitable[bool]] | None = None

    def __init__(self, engine: AsyncEngine, settings: Settings, signals: Signals) -> None:
        self.engine = engine
        self.settings = settings
        self.signals = signals
        self._new = async_sessionmaker(engine, expire_on_commit=False)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncSession]:
        """A transaction: committed at the end of the block, rolled back by any exception."""
        async with self._new(info={"sessions": self}) as session:
            async with session.begin():
                yield session
                noted = self._note is not None and await self._note(session)
            if noted:
                self._note = None
            self.signals.fire(session.info.get("fires", ()))

    def noting(self, note: Callable[[AsyncSession], Awaitable[bool]]) -> "Sessions":
        """The same for one request: before each commit `note` is called, until one with a note has gone through."""
        own = copy(self)
        own._note = note
        return own

    @asynccontextmanager
    async def statements(self) -> AsyncIterator[AsyncSession]:
        """A session in which each statement is a transaction of its own: for a use case that is one statement,
        it saves the two round trips of BEGIN and COMMIT."""
        async with self._new(info={"sessions": self}) as session:
            await session.connection(execution_options={"isolation_level": "AUTOCOMMIT"})
            yield session
            self.signals.fire(session.info.get("fires", ()))


def settings_of(session: AsyncSession) -> Settings:
    return cast("Sessions", session.info["sessions"]).settings


def fire_after_commit(session: AsyncSession, key: Hashable) -> None:
    """Wake what waits for `key` in this process as soon as the session's transaction is committed."""
    session.info.setdefault("fires", set()).add(key)


class Attempt(Protocol):
    """A request with an `Idempotency-Key` (see idempotency.py)."""

    async def begin(self, session: AsyncSession) -> None: ...
    async def begin_running(self, transactions: Sessions) -> None: ...


def attempt_of(request: Request) -> Attempt | None:
    return cast("Attempt | None", getattr(request.state, "attempt", None))


class Witness(Protocol):
    """Writes down what somebody of the staff does with a request (see staff_trail)."""

    noted: bool

    async def note(self, session: AsyncSession) -> None: ...


def witness_of(request: Request) -> Witness | None:
    return cast("Witness | None", getattr(request.state, "witness", None))


async def has_written(session: AsyncSession) -> bool:
    """Whether the transaction has changed or locked a row: then PostgreSQL has given it an id."""
    await session.flush()
    return bool(await session.scalar(text("SELECT pg_current_xact_id_if_assigned() IS NOT NULL")))


async def get_transactions(request: Request) -> Sessions:
    transactions: Sessions = request.app.state.sessions
    if attempt := attempt_of(request):
        await attempt.begin_running(transactions)

    async def note(session: AsyncSession) -> bool:
        witness = witness_of(request)
        in_session = hasattr(request.state, "session")  # then it is noted there
        if witness is None or in_session or not await has_written(session):
            return False
        await witness.note(session)
        return True

    return transactions.noting(note)


async def get_session(request: Request) -> AsyncIterator[AsyncSession]:
    async with request.app.state.sessions.begin() as session:
        request.state.session = session
        if attempt := attempt_of(request):
            await attempt.begin(session)
        yield session
        if witness := witness_of(request):
            await witness.note(session)


# scope="function" commits before the answer leaves; FastAPI's default commits after it.
Session = Annotated[AsyncSession, Depends(get_session, scope="function")]
Transactions = Annotated[Sessions, Depends(get_transactions)]


async def arrived(
    transactions: Sessions,
    look: Callable[[AsyncSession], Awaitable[Row | None]],
    id: UUID,  # noqa: A002
    missing: type[DomainError],
) -> Row:
    """The local copy of something that another service has made, waiting up to 2 s for it if it is younger than 60 s.

    Raises `missing`, with `retryable: true` where waiting longer may help.
    """

    async def look_once() -> Row | None:
        async with transactions.begin() as session:
            return await look(session)

    young = seconds_old(id) < YOUNG_SECONDS
    found = await transactions.signals.until(look_once, id, ARRIVAL_SECONDS if young else 0)
    if found is None:
        raise missing(retryable=True) if young else missing()
    return found
