"""What only one process at a time should do: a lease is a row that its owner renews."""

import time
from datetime import timedelta
from uuid import uuid4

from sqlalchemy import text

from services.shared.db import Sessions

TAKE = text("""
    INSERT INTO lease (name, owner, expires_at) VALUES (:name, :owner, now() + :life)
    ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, expires_at = excluded.expires_at
    WHERE lease.owner = excluded.owner OR lease.expires_at < now()
    RETURNING owner
""")
GIVE_BACK = text("DELETE FROM lease WHERE name = :name AND owner = :owner")


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
        if taken is None:
            return False
        self._good_until = now + self._life.total_seconds() / 2
        return True

    async def give_back(self) -> None:
        async with self._sessions.begin() as session:
            await session.execute(GIVE_BACK, self._values)
