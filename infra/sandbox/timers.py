"""What the sandbox does by the clock, restarts notwithstanding."""

import asyncio
import logging
import time
from collections.abc import Callable

from infra.sandbox import payments, refunds
from infra.sandbox.world import Call, World

log = logging.getLogger(__name__)

TRY_AGAIN = 5


class Clock:
    def __init__(self, world: World) -> None:
        self._world = world
        self._store = world.store
        self._changed = asyncio.Event()

    async def run(self) -> None:
        self._store.on_commit.append(self._changed.set)
        while True:
            self._changed.clear()
            pause = self._step()
            if pause != 0:
                await self._sleep(pause)

    async def _sleep(self, pause: float | None) -> None:
        try:
            await asyncio.wait_for(self._changed.wait(), pause)
        except TimeoutError:
            return

    def _step(self) -> float | None:
        """Does what is due first; returns how long there is nothing to do, None for until something changes."""
        row = self._store.db.execute("select * from timer order by due, id limit 1").fetchone()
        if row is None:
            return None
        wait = float(row["due"]) - time.time()
        if wait > 0:
            return wait
        try:
            with self._store.transaction():
                ACTIONS[row["action"]](Call(self._world), row["target"])
                self._store.db.execute("delete from timer where id = ?", (row["id"],))
        except Exception:
            log.exception("%s of %s failed; trying again in %d s", row["action"], row["target"], TRY_AGAIN)
            with self._store.transaction():
                self._store.db.execute("update timer set due = ? where id = ?", (time.time() + TRY_AGAIN, row["id"]))
        return 0


ACTIONS: dict[str, Callable[[Call, str], None]] = {
    "intent.settle": payments.settle,
    "refund.settle": refunds.settle,
}
