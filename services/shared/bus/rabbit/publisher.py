"""Out: pipelined, persistent, mandatory, each confirmed on its own."""

import asyncio
from collections.abc import Sequence

import aio_pika
from aio_pika.abc import AbstractConnection, AbstractExchange
from aio_pika.exceptions import DeliveryError, PublishError

from services.shared.bus.carrier import BusAway, Message, Outcome, Undeliverable, refusal
from services.shared.bus.rabbit.connection import ANSWER_SECONDS, close, connect, losses, lost
from services.shared.bus.rabbit.topology import declare
from services.shared.events import EVENTS, consumers, routing_key


class Publisher:
    """Connects when there is something to do, and again after a loss."""

    def __init__(self, url: str, service: str) -> None:
        self._url = url
        self._service = service
        self._connection: AbstractConnection | None = None
        self._exchange: AbstractExchange | None = None
        self._lost = asyncio.Event()
        self._connecting = asyncio.Lock()

    async def publish(self, messages: Sequence[Message]) -> list[Outcome]:
        """Raises BusAway if there is no connection to be had."""
        exchange = await self._ready()
        # By id: the library tells returned messages apart by it, and a replay may send one twice.
        once = {message.id: message for message in messages}
        outcomes = await asyncio.gather(*(self._publish(exchange, message) for message in once.values()))
        by_id = dict(zip(once, outcomes, strict=True))
        return [by_id[message.id] for message in messages]

    async def _publish(self, exchange: AbstractExchange, message: Message) -> Outcome:
        if refused := refusal(message):
            return refused
        amqp = aio_pika.Message(
            message.body,
            headers=dict(message.headers),
            message_id=str(message.id),
            type=message.name,
            app_id=self._service,
            content_type="application/json",
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        )
        key = routing_key(EVENTS[message.name])
        try:
            with losses():
                async with asyncio.timeout(ANSWER_SECONDS):
                    await exchange.publish(amqp, key, mandatory=bool(consumers(message.name)))
        except BusAway as error:
            return self._judge(key, error)
        return None

    def _judge(self, key: str, error: BusAway) -> Outcome:
        """What a publish that was not confirmed means for its message and for the connection."""
        match error.__cause__:
            case PublishError():
                return Undeliverable(f"{key}: no queue is bound to it")
            case DeliveryError():
                return BusAway(f"{key}: a queue takes no more")
            case _:
                self._lost.set()
                return error

    async def _ready(self) -> AbstractExchange:
        async with self._connecting:
            if self._exchange is None or self._lost.is_set():
                await self.close()
                await self._connect()
            assert self._exchange is not None
            return self._exchange

    async def _connect(self) -> None:
        self._connection = await connect(self._url, f"{self._service} publisher")
        with losses():
            async with asyncio.timeout(ANSWER_SECONDS):
                channel = await self._connection.channel(publisher_confirms=True, on_return_raises=True)
                exchange = await declare(channel)
                self._lost = await lost(self._connection, channel)
        self._exchange = exchange

    async def close(self) -> None:
        connection, self._connection, self._exchange = self._connection, None, None
        if connection:
            await close(connection)
