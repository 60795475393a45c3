"""The RabbitMQ carrier: quorum queues, publisher confirms, mandatory and persistent messages.

One topic exchange, one queue for each consuming service. The queues' limits and dead-lettering are policies
(`infra/rabbitmq`), since arguments can't be changed later. Plain connections with a supervisor of our own rather
than robust ones: a restored connection starts from the same few lines as the first.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from hashlib import sha256
from uuid import UUID

import aio_pika
import structlog
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractExchange, AbstractIncomingMessage, FieldValue
from aio_pika.exceptions import AMQPError, DeliveryError, PublishError
from aiormq import spec

from services.shared.bus.carrier import BusAway, Deliver, Message, Undeliverable
from services.shared.events import EVENTS, SUBSCRIPTIONS, consumers, routing_key

EXCHANGE = "marquee.events"
DEAD_EXCHANGE = "marquee.dead"
PREFETCH = 64
CONFIRM_SECONDS = 10
WATCH_SECONDS = 15
RETRY_SECONDS = 0.5
LONGEST_RETRY_SECONDS = 5.0

log = structlog.get_logger()


def queue_name(service: str) -> str:
    return f"marquee.{service}"


def dead_queue_name(service: str) -> str:
    return f"marquee.{service}.dead"


class RabbitBus:
    """Keeps a connection for publishing and one for consuming, so that a blocked publisher does not hold up acks."""

    def __init__(self, url: str, service: str) -> None:
        self._url = url
        self._service = service
        self._publishing: tuple[AbstractConnection, AbstractExchange] | None = None
        self._lock = asyncio.Lock()
        self._consuming: AbstractChannel | None = None
        self._consumer: asyncio.Task[None] | None = None

    # --- publishing -------------------------------------------------------------------------------------------------

    async def publish(self, messages: Sequence[Message]) -> list[Undeliverable | None]:
        try:
            async with asyncio.timeout(CONFIRM_SECONDS):
                exchange = await self._publisher()
                return await asyncio.gather(*(self._publish_one(exchange, message) for message in messages))
        except (AMQPError, OSError, RuntimeError, asyncio.InvalidStateError) as error:
            await self._drop_publisher()
            raise BusAway(str(error) or type(error).__name__) from error

    async def _publish_one(self, exchange: AbstractExchange, message: Message) -> Undeliverable | None:
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
            await exchange.publish(amqp, key, mandatory=bool(consumers(message.name)))
        except (DeliveryError, PublishError) as error:
            return Undeliverable(f"{key}: {type(error).__name__}")
        return None

    async def _publisher(self) -> AbstractExchange:
        async with self._lock:
            if self._publishing and not self._publishing[0].is_closed:
                return self._publishing[1]
            connection = await self._connect("publisher")
            channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
            exchange = await declare(channel)
            self._publishing = connection, exchange
            return exchange

    async def _drop_publisher(self) -> None:
        publishing, self._publishing = self._publishing, None
        if publishing:
            await close_quietly(publishing[0])

    # --- consuming --------------------------------------------------------------------------------------------------

    async def subscribe(self, service: str, deliver: Deliver, dead: Deliver) -> None:
        self._consumer = asyncio.create_task(self._consume_for_ever(service, deliver, dead), name=f"{service} consumer")

    async def _consume_for_ever(self, service: str, deliver: Deliver, dead: Deliver) -> None:
        pause = RETRY_SECONDS
        while True:
            try:
                await self._consume(service, deliver, dead)
                pause = RETRY_SECONDS
            except (AMQPError, OSError, RuntimeError, TimeoutError) as error:
                log.warning("bus away", service=service, error=str(error) or type(error).__name__)
                pause = min(pause * 2, LONGEST_RETRY_SECONDS)
            await asyncio.sleep(pause)

    async def _consume(self, service: str, deliver: Deliver, dead: Deliver) -> None:
        """Consume until the connection, or our place at the queue, is lost."""
        connection = await self._connect("consumer")
        try:
            channel = await connection.channel()
            await channel.set_qos(prefetch_count=PREFETCH)
            await declare(channel)
            for name, handler in ((queue_name(service), deliver), (dead_queue_name(service), dead)):
                queue = await channel.get_queue(name)
                await queue.consume(partial(hand_over, handler))
            self._consuming = channel
            log.info("bus connected", service=service)
            await self._watch(connection, service)
        finally:
            self._consuming = None
            await close_quietly(connection)

    async def _watch(self, connection: AbstractConnection, service: str) -> None:
        """Return when the connection closes, or when the broker no longer knows our consumer."""
        closed = asyncio.ensure_future(connection.closed())
        try:
            while True:
                await asyncio.wait([closed], timeout=WATCH_SECONDS)
                if closed.done() or not await self._queue_state(service, lambda state: state.consumer_count):
                    return
        finally:
            closed.cancel()

    async def backlog(self, service: str) -> int:
        return await self._queue_state(service, lambda state: state.message_count)

    async def _queue_state(self, service: str, read: Callable[[spec.Queue.DeclareOk], int | None]) -> int:
        if self._consuming is None:
            raise BusAway("not connected")
        try:
            async with asyncio.timeout(CONFIRM_SECONDS):
                queue = await self._consuming.declare_queue(queue_name(service), passive=True)
        except (AMQPError, OSError, RuntimeError, TimeoutError) as error:
            raise BusAway(str(error) or type(error).__name__) from error
        return read(queue.declaration_result) or 0

    # --- both -------------------------------------------------------------------------------------------------------

    async def _connect(self, purpose: str) -> AbstractConnection:
        name = f"{self._service} {purpose}"
        return await aio_pika.connect(
            self._url, timeout=CONFIRM_SECONDS, client_properties={"connection_name": name}, heartbeat=15
        )

    async def close(self) -> None:
        if self._consumer:
            self._consumer.cancel()
            await asyncio.gather(self._consumer, return_exceptions=True)
        await self._drop_publisher()


async def hand_over(deliver: Deliver, incoming: AbstractIncomingMessage) -> None:
    """Acknowledge after the handler's transaction: a crash in between delivers again, and the inbox knows it."""
    headers = {key: str(value) for key, value in incoming.headers.items()}
    message = Message(message_id(incoming), incoming.type or "", incoming.body, headers)
    try:
        await deliver(message)
    except Exception:
        await incoming.reject(requeue=True)
        raise
    await incoming.ack()


def message_id(incoming: AbstractIncomingMessage) -> UUID:
    """Ours bear the event's id; for a stranger's message one that stays the same over redeliveries."""
    try:
        return UUID(incoming.message_id or "")
    except ValueError:
        return UUID(bytes=sha256(incoming.body).digest()[:16])


async def declare(channel: AbstractChannel) -> AbstractExchange:
    """Declare the queues and bindings of all services, so that nothing is lost for one that has never run yet."""
    exchange = await channel.declare_exchange(EXCHANGE, aio_pika.ExchangeType.TOPIC, durable=True)
    graveyard = await channel.declare_exchange(DEAD_EXCHANGE, aio_pika.ExchangeType.DIRECT, durable=True)
    arguments: dict[str, FieldValue] = {"x-queue-type": "quorum"}
    for service, events in SUBSCRIPTIONS.items():
        queue = await channel.declare_queue(queue_name(service), durable=True, arguments=arguments)
        for event in sorted(events, key=routing_key):
            await queue.bind(exchange, routing_key(event))
        dead = await channel.declare_queue(dead_queue_name(service), durable=True, arguments=arguments)
        await dead.bind(graveyard, service)
    return exchange


async def close_quietly(connection: AbstractConnection) -> None:
    """A connection that is being given up may already be gone."""
    closing: Awaitable[None] = connection.close()
    with contextlib.suppress(AMQPError, OSError, RuntimeError, asyncio.TimeoutError):
        await asyncio.wait_for(closing, RETRY_SECONDS * 4)
