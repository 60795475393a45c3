"""What a carrier is."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True)
class Message:
    """An encoded event. `name` is the event's class, `id` the event's own: it stays the same over every delivery."""

    id: UUID
    name: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


# Returns once the message is handled or parked; raises only if it could be neither.
Deliver = Callable[[Message], Awaitable[None]]


class BusAway(Exception):
    """The carrier cannot be reached; nothing is known of what was being published."""


class Undeliverable(Exception):
    """The carrier is well and refused this message: unroutable, too large."""


class Bus(Protocol):
    async def publish(self, messages: Sequence[Message]) -> list[Undeliverable | None]:
        """One result a message, None for those that are safely kept. Raises BusAway."""

    async def subscribe(self, service: str, deliver: Deliver, dead: Deliver) -> None:
        """Deliver what `service` subscribes to (`events.SUBSCRIPTIONS`), until the bus is closed.

        `dead` is given what the carrier itself has given up on.
        """

    async def backlog(self, service: str) -> int:
        """How many messages wait for `service`. Raises BusAway."""

    async def close(self) -> None: ...
