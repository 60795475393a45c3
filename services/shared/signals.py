"""Wakes what waits in this process for a commit. Only a shortcut: whoever waits also looks by itself now and then."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

FIRST_LOOK_SECONDS = 0.02
LAST_LOOK_SECONDS = 0.5

Found = TypeVar("Found")


class Signals:
    """One per service app. Keys are names (`"outbox"`) or ids (a booking's)."""

    def __init__(self) -> None:
        self._waiting: dict[Hashable, set[asyncio.Event]] = defaultdict(set)

    def fire(self, keys: Iterable[Hashable]) -> None:
        for key in keys:
            for event in self._waiting.get(key, ()):
                event.set()

    @contextmanager
    def watching(self, key: Hashable) -> Iterator[asyncio.Event]:
        """An event that is set by the next `fire`; enter before you look, or a commit in between is missed."""
        event = asyncio.Event()
        self._waiting[key].add(event)
        try:
            yield event
        finally:
            self._waiting[key].discard(event)
            if not self._waiting[key]:
                del self._waiting[key]

    async def wait(self, key: Hashable, seconds: float) -> None:
        with self.watching(key) as event:
            await wait_for(event, seconds)

    async def until(self, look: Callable[[], Awaitable[Found | None]], key: Hashable, seconds: float) -> Found | None:
        """Look until there is something or the time is up; between looks wait for `key`, and ever longer.

        `look` opens a short transaction of its own, so that no connection is held while waiting.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        pause = FIRST_LOOK_SECONDS
        while True:
            with self.watching(key) as event:
                found = await look()
                left = deadline - loop.time()
                if found is not None or left <= 0:
                    return found
                await wait_for(event, min(pause, left))
            pause = min(pause * 2, LAST_LOOK_SECONDS)


async def wait_for(event: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
