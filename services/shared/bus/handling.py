"""What is being handled right now."""

import asyncio
from collections.abc import Coroutine
from typing import Any


class Handling:
    """Each message has a task of its own, so that neither a lost connection nor the sender's end interrupts it."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def finish(self, seconds: float) -> None:
        """Wait for all of them; what takes longer is cancelled: it is rolled back and its message comes again."""
        late = self._tasks and (await asyncio.wait(self._tasks, timeout=seconds))[1]
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
