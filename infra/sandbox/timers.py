"""What the sandbox does by the clock, restarts notwithstanding."""

import asyncio
import logging
import time
from collections.abc import Callable

from infra.sandbox import payments, refunds
from infra.sandbox.world import Call, World

log = logging.getLogger(__name__)

AFTER_A_STUMBLE = 1.0


class Clock:
    def __init__(self, world: World) -> None:
        self._world = world
        self._store = world.store
        self._changed = asyncio.Event()

    async def run(self) -> None:
        self._store.on_commit.append(self._changed.set)
        while True:
            self._changed.clear()
            try:
                pause = self._step()
            except Exception:
                log.exception("the clock stumbled; going on in %d s", AFTER_A_STUMBLE)
                pause = AFTER_A_STUMBLE
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
        with self._store.transaction():
            ACTIONS[row["action"]](Call(self._world), row["target"])
            self._store.db.execute("delete from timer where id = ?", (row["id"],))
        return 0


ACTIONS: dict[str, Callable[[Call, str], None]] = {
    "intent.settle": payments.settle,
    "refund.settle": refunds.settle,
}
