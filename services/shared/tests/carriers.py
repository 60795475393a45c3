"""Both carriers behind one face, for tests that hold for either."""

from typing import Protocol

import aio_pika

from services.shared.bus import Bus, MemoryBroker, Message, RabbitBus
from services.shared.bus.rabbit.topology import dead_queue_name, declare, queue_name
from services.shared.events import SUBSCRIPTIONS


class Carrier(Protocol):
    def bus(self, service: str) -> Bus: ...

    async def inject(self, service: str, message: Message) -> None:
        """Put something before a service that did not come from one of our outboxes."""


class Memory:
    def __init__(self, broker: MemoryBroker) -> None:
        self.broker = broker

    def bus(self, service: str) -> Bus:
        return self.broker.connect(service)

    async def inject(self, service: str, message: Message) -> None:
        await self.broker.subscribers[service](message)


class Rabbit:
    def __init__(self, url: str) -> None:
        self.url = url

    def bus(self, service: str) -> Bus:
        return RabbitBus(self.url, service)

    async def inject(self, service: str, message: Message) -> None:
        amqp = aio_pika.Message(
            message.body, headers=dict(message.headers), message_id=str(message.id), type=message.name
        )
        async with await aio_pika.connect(self.url) as connection:
            channel = await connection.channel()
            await channel.default_exchange.publish(amqp, queue_name(service))

    async def purge(self) -> None:
        """Empty all queues of what earlier tests have left."""
        async with await aio_pika.connect(self.url) as connection:
            channel = await connection.channel()
            await declare(channel)
            for service in SUBSCRIPTIONS:
                for name in (queue_name(service), dead_queue_name(service)):
                    await (await channel.get_queue(name)).purge()
