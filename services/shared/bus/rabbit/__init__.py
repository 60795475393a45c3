"""The RabbitMQ carrier: quorum queues, publisher confirms, mandatory and persistent messages."""

import asyncio
from collections.abc import Sequence

from services.shared.bus.carrier import BusAway, Deliver, Message, Outcome
from services.shared.bus.rabbit.publisher import Publisher
from services.shared.bus.rabbit.subscriber import Subscriber

__all__ = ["RabbitBus"]


class RabbitBus:
    """A connection to publish and one to consume, so that a blocked publisher does not hold up acknowledgements."""

    def __init__(self, url: str, service: str) -> None:
        self._url = url
        self._publisher = Publisher(url, service)
        self._subscriber: Subscriber | None = None
        self._consuming: asyncio.Task[None] | None = None

    async def publish(self, messages: Sequence[Message]) -> list[Outcome]:
        return await self._publisher.publish(messages)

    async def subscribe(self, service: str, deliver: Deliver, dead: Deliver) -> None:
        self._subscriber = Subscriber(self._url, service, deliver, dead)
        self._consuming = asyncio.create_task(self._subscriber.run_for_ever(), name=f"{service} consumer")

    async def backlog(self, service: str) -> int:  # noqa: ARG002 - a broker's queue has one service
        if self._subscriber is None:
            raise BusAway("not subscribed")
        return await self._subscriber.backlog()

    async def close(self) -> None:
        if self._consuming:
            self._consuming.cancel()
            await asyncio.gather(self._consuming, return_exceptions=True)
        await self._publisher.close()
