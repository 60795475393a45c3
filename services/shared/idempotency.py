"""`Idempotency-Key`: the same request again gets the first answer again (draft-ietf-httpapi-idempotency-key-header).

A router made with `APIRouter(route_class=Idempotent)` honours the header on all its routes; the routes themselves
know nothing of it. Where a route takes `Session`, the record is written in the effect's own transaction. Where it
takes `Transactions`, because an outside system is called between two of them, a record `running` is committed first.
Only 2xx answers are kept, for 24 h; refusals are judged anew.
"""

import hashlib
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from fastapi import Request, Response
from fastapi.routing import APIRoute
from sqlalchemy import LargeBinary, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from services.shared import pruning
from services.shared.auth import identify
from services.shared.db import Sessions
from services.shared.errors import DomainError, ValidationFailed
from services.shared.messaging.tables import Base

HEADER = "idempotency-key"
LONGEST_KEY = 255
KEPT = timedelta(hours=24)
KEY_PARAMETER: dict[str, Any] = {
    "parameters": [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "description": "The same request again gets the first answer again.",
            "schema": {"type": "string", "maxLength": LONGEST_KEY},
        }
    ]
}
# A record that has been running for longer than any request may take: its process died, the request may be resumed.
STALE = timedelta(seconds=30)


class IdempotencyRecord(Base):
    """The first answer to a request, by user, path and key; `status` is empty while it is running."""

    __tablename__ = "idempotency"

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    path: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    started_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    status: Mapped[int | None]
    answer: Mapped[bytes | None] = mapped_column(LargeBinary)


class IdempotencyKeyReused(DomainError):
    status = 422
    detail = "This Idempotency-Key was used for a request with another body. Use a new key for a new request."


class RequestInProgress(DomainError):
    detail = "The first request with this Idempotency-Key is still running. Ask again in a moment."
    retryable = True
    headers = {"Retry-After": "1"}


class Replayed(Exception):
    """Carries the first answer out of the dependencies, and out of the transaction that it was read in."""

    def __init__(self, record: IdempotencyRecord) -> None:
        self.answer = record.answer
        self.status = record.status or 200

    def response(self) -> Response:
        headers = {"Idempotent-Replay": "true"}
        return Response(self.answer, self.status, headers, media_type="application/json")


@dataclass
class Attempt:
    """One request that bears a key."""

    user_id: UUID
    path: str
    key: str
    digest: bytes
    running: bool = False

    @property
    def is_mine(self) -> tuple[Any, ...]:
        record = IdempotencyRecord
        return record.user_id == self.user_id, record.path == self.path, record.key == self.key

    async def begin(self, session: AsyncSession) -> None:
        """Write the record, or raise what the one that is there calls for.

        Raises Replayed, IdempotencyKeyReused, RequestInProgress. A second request at the same moment waits here
        for the first one's transaction.
        """
        old = func.clock_timestamp() - KEPT
        values = {"user_id": self.user_id, "path": self.path, "key": self.key, "digest": self.digest}
        fresh = {"digest": self.digest, "started_at": func.clock_timestamp(), "status": None, "answer": None}
        stale = (IdempotencyRecord.digest == self.digest) & IdempotencyRecord.status.is_(None)
        stale &= IdempotencyRecord.started_at < func.clock_timestamp() - STALE
        taken = (
            insert(IdempotencyRecord)
            .values(**values)
            .on_conflict_do_update(
                index_elements=["user_id", "path", "key"],
                set_=fresh,
                where=(IdempotencyRecord.started_at < old) | stale,
            )
            .returning(IdempotencyRecord.key)
        )
        if await session.scalar(taken) is None:
            self.judge(await session.scalar(select(IdempotencyRecord).where(*self.is_mine)))

    async def begin_running(self, transactions: Sessions) -> None:
        """The same in a transaction of its own, for a request that takes several."""
        async with transactions.begin() as session:
            await self.begin(session)
        self.running = True

    def judge(self, record: IdempotencyRecord | None) -> None:
        if record is None or (record.status is None and record.digest == self.digest):
            raise RequestInProgress
        if record.digest != self.digest:
            raise IdempotencyKeyReused
        raise Replayed(record)

    async def finish(self, session: AsyncSession, response: Response) -> None:
        done = update(IdempotencyRecord).where(*self.is_mine)
        await session.execute(done.values(status=response.status_code, answer=bytes(response.body)))

    async def abandon(self, transactions: Sessions) -> None:
        """Forget a refused request. Where its transaction was the only one, its rollback has done so already."""
        if not self.running:
            return
        async with transactions.begin() as session:
            await session.execute(delete(IdempotencyRecord).where(*self.is_mine, IdempotencyRecord.status.is_(None)))


async def attempt_of(request: Request) -> Attempt | None:
    """The request's key and what it is bound to. Raises Unauthenticated, ValidationFailed."""
    key = request.headers.get(HEADER)
    if key is None:
        return None
    if not 0 < len(key) <= LONGEST_KEY:
        fault = {"pointer": "/header/Idempotency-Key", "message": f"1 to {LONGEST_KEY} characters."}
        raise ValidationFailed(errors=[fault])
    user = await identify(request)
    digest = hashlib.sha256(await request.body()).digest()
    return Attempt(user.id, request.url.path, key, digest)


class Idempotent(APIRoute):
    """A route that honours `Idempotency-Key`. The transaction's dependency calls `Attempt.begin`."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        if "POST" in (options.get("methods") or ()):
            options["openapi_extra"] = KEY_PARAMETER
        super().__init__(path, endpoint, **options)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def once(request: Request) -> Response:
            attempt = await attempt_of(request)
            if attempt is None:
                return await handle(request)
            request.state.attempt = attempt
            try:
                response = await handle(request)
            except Replayed as replayed:
                return replayed.response()
            except BaseException:
                await attempt.abandon(request.app.state.sessions)
                raise
            await keep(request, attempt, response)
            return response

        return once


async def keep(request: Request, attempt: Attempt, response: Response) -> None:
    """Store the first answer: in the effect's transaction where the route has just one."""
    session: AsyncSession | None = getattr(request.state, "session", None)
    if session is not None:
        await attempt.finish(session, response)
        return
    transactions: Sessions = request.app.state.sessions
    async with transactions.begin() as own:
        await attempt.finish(own, response)


async def forget(session: AsyncSession, user_id: UUID) -> None:
    """Forget a user's answers; a request that is running just now goes on without its record."""
    await session.execute(delete(IdempotencyRecord).where(IdempotencyRecord.user_id == user_id))


async def prune(sessions: Sessions) -> None:
    """Forget answers after 24 h."""
    await pruning.prune(sessions, IdempotencyRecord, IdempotencyRecord.started_at < func.now() - KEPT)
