"""What only one process at a time should do: a lease is a row that its owner renews.

A process that stood still for longer than a lease lives may go on beside its successor for a moment, so whatever
runs under a lease must be harmless when it runs twice; the lease only spares the work.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import uuid4

import structlog
from sqlalchemy import text

from services.shared.db import Sessions
from services.shared.errors import is_outage

TAKE = text("""
    INSERT INTO lease (name, owner, expires_at) VALUES (:name, :owner, now() + :life)
    ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, expires_at = excluded.expires_at
    WHERE lease.owner = excluded.owner OR lease.expires_at < now()
    RETURNING owner
""")
GIVE_BACK = text("DELETE FROM lease WHERE name = :name AND owner = :owner")
GIVE_BACK_SECONDS = 1.0

log = structlog.get_logger()


class Lessee:
    """One process's claim on one lease."""

    def __init__(self, sessions: Sessions, name: str, life: timedelta) -> None:
        self._sessions = sessions
        self._values = {"name": name, "owner": uuid4()}
        self._life = life
        self._good_until = 0.0

    async def holds(self) -> bool:
        """Whether the lease is ours; asks the database only when half of its life is over."""
        now = time.monotonic()
        if now < self._good_until:
            return True
        async with self._sessions.begin() as session:
            taken = await session.scalar(TAKE, {**self._values, "life": self._life})
        self._good_until = 0.0 if taken is None else now + self._life.total_seconds() / 2
        return taken is not None

    async def keep_while(self, run: Callable[[], Awaitable[None]]) -> None:
        """Run something that may take longer than the lease lives, renewing it; stop it if the lease is lost."""
        running = asyncio.ensure_future(run())
        try:
            while not (await asyncio.wait([running], timeout=self._life.total_seconds() / 3))[0]:
                if not await self.holds():
                    log.warning("lease lost", lease=self._values["name"])
                    return
            running.result()
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    @asynccontextmanager
    async def returned(self) -> AsyncIterator[None]:
        """Give the lease back at the end of the block, so that the next process need not wait for it to expire."""
        try:
            yield
        finally:
            if self._good_until:
                await self._give_back()

    async def _give_back(self) -> None:
        self._good_until = 0.0
        try:
            async with asyncio.timeout(GIVE_BACK_SECONDS), self._sessions.begin() as session:
                await session.execute(GIVE_BACK, self._values)
        except Exception as error:
            if not isinstance(error, TimeoutError) and not is_outage(error):
                raise
            log.info("lease left to expire", lease=self._values["name"])
