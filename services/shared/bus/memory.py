"""The in-process carrier: delivery happens inside `publish`, from the same durable outbox as with RabbitMQ."""

import asyncio
import random
from collections.abc import Sequence

from services.shared.bus.carrier import BusAway, Deliver, Message, Undeliverable
from services.shared.events import SUBSCRIPTIONS, consumers


class MemoryBus:
    """Confirms a message once each subscriber has handled or parked it.

    `disorder` shuffles and repeats deliveries, as a broker may: for tests.
    """

    def __init__(self, disorder: random.Random | None = None) -> None:
        self._subscribers: dict[str, Deliver] = {}
        self._disorder = disorder
        self._relaying = 0

    async def publish(self, messages: Sequence[Message]) -> list[Undeliverable | None]:
        missing = {name for message in messages for name in consumers(message.name)} - self._subscribers.keys()
        if missing:
            raise BusAway(f"not in this process: {', '.join(sorted(missing))}")
        self._relaying += len(messages)
        try:
            await asyncio.gather(*(self._hand_over(service, messages) for service in self._subscribers))
        finally:
            self._relaying -= len(messages)
        return [None] * len(messages)

    async def _hand_over(self, service: str, messages: Sequence[Message]) -> None:
        """In order for each service, so that one that is slow does not hold up the others."""
        names = {event.__name__ for event in SUBSCRIPTIONS[service]}
        theirs = [message for message in messages if message.name in names]
        if self._disorder:
            theirs += [message for message in theirs if self._disorder.random() < 0.05]  # noqa: PLR2004
            self._disorder.shuffle(theirs)
        for message in theirs:
            await self._subscribers[service](message)

    async def subscribe(self, service: str, deliver: Deliver, dead: Deliver) -> None:  # noqa: ARG002 - nothing dies here
        self._subscribers[service] = deliver

    async def backlog(self, service: str) -> int:  # noqa: ARG002 - deliveries are not counted apart
        return self._relaying

    async def close(self) -> None:
        self._subscribers.clear()
