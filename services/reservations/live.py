"""The live seat map: a snapshot, then what changed. One hub a process, however many people look on.

A follower has no queue: it remembers the version it has sent, and the hub what changed since. One that is too slow for
the hub's memory gets a snapshot again.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID

from services.reservations import maps
from services.reservations.maps import SeatMap, SeatState
from services.reservations.statements import Statements
from services.shared.errors import ServiceUnavailable

REMEMBERED_DELTAS = 256
FOLLOWERS = 2000
# A map that nobody follows is kept up for those who come back after a broken connection.
LINGER_SECONDS = 30.0


@dataclass(frozen=True)
class Delta:
    """What changed between two versions of a map."""

    since: int
    version: int
    changes: list[tuple[int, SeatState]]


@dataclass
class Channel:
    """One showtime's map and its last changes. `opening` counts the changes of `sales_open`."""

    map: SeatMap
    deltas: deque[Delta] = field(default_factory=lambda: deque(maxlen=REMEMBERED_DELTAS))
    opening: int = 0
    followers: int = 0
    left_at: float = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def seen(self) -> tuple[bool, int]:
        return self.map.sales_open, self.map.version

    def update(self, new: SeatMap) -> None:
        """Remember the step to a newer map, and wake the followers."""
        old = self.map
        if new.version < old.version or (new.version, new.sales_open) == (old.version, old.sales_open):
            return
        self.map = new
        if old.sales_open != new.sales_open:
            self.opening += 1
            self.deltas.clear()
        else:
            self.deltas.append(Delta(old.version, new.version, difference(old, new)))
        changed, self.changed = self.changed, asyncio.Event()
        changed.set()

    def since(self, version: int | None) -> list[SeatMap] | list[Delta]:
        """What somebody at `version` has missed: the deltas, or a snapshot where they don't reach back so far."""
        missed: list[Delta] = []
        for delta in reversed(self.deltas):
            if delta.version == version:
                return missed[::-1]
            missed.append(delta)
        if missed and missed[-1].since == version:
            return missed[::-1]
        return [self.map]


def difference(old: SeatMap, new: SeatMap) -> list[tuple[int, SeatState]]:
    before, after = old.states, new.states
    changes = {seat: state for seat, state in after.items() if before.get(seat) != state}
    changes |= dict.fromkeys(before.keys() - after.keys(), "free")
    return sorted(changes.items())


class Hub:
    """Asks for the versions of all maps that somebody follows, and reads those that have changed."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements
        self._channels: dict[UUID, Channel] = {}
        self.followers = 0

    async def refresh(self) -> None:
        """Raises ServiceUnavailable."""
        self._forget_the_lonely()
        if not self._channels:
            return
        versions = await maps.versions(self._statements, self._channels)
        stale = [key for key, channel in self._channels.items() if versions.get(key) != channel.seen]
        if stale:
            for key, new in (await maps.read(self._statements, stale)).items():
                self._channels[key].update(new)

    def _forget_the_lonely(self) -> None:
        old = time.monotonic() - LINGER_SECONDS
        for key, channel in list(self._channels.items()):
            if channel.followers == 0 and channel.left_at < old:
                del self._channels[key]

    def admit(self) -> None:
        """Raises ServiceUnavailable."""
        if self.followers >= FOLLOWERS:
            raise ServiceUnavailable("Too many people follow seat maps here. Ask for the seats now and then instead.")

    async def follow(self, current: SeatMap, seen: int | None) -> AsyncIterator[SeatMap | Delta]:
        """For ever: a snapshot, unless `seen` is a version that can be continued, then deltas.

        `current` is the map as just read, for the first one who follows this showtime.
        """
        channel = self._channels.setdefault(current.showtime_id, Channel(current))
        channel.update(current)
        with self._counted(channel):
            opening = channel.opening
            while True:
                changed, was_opening, opening = channel.changed, opening, channel.opening
                for news in channel.since(seen if was_opening == opening else None):
                    yield news
                    seen = news.version
                await changed.wait()

    @contextmanager
    def _counted(self, channel: Channel) -> Iterator[None]:
        self.followers += 1
        channel.followers += 1
        try:
            yield
        finally:
            self.followers -= 1
            channel.followers -= 1
            channel.left_at = time.monotonic()
