"""In: from the service's queue and from its dead letters, for ever, however often the broker goes away."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from hashlib import sha256
from typing import Any, NoReturn
from uuid import UUID

import structlog
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage
from aiormq import spec

from services.shared.bus.carrier import BusAway, Deliver, Message
from services.shared.bus.handling import Handling
from services.shared.bus.rabbit.connection import ANSWER_SECONDS, close, connect, losses, lost
from services.shared.bus.rabbit.topology import dead_queue_name, declare, queue_name
from services.shared.signals import wait_for

# More than are handled at once (see Consumer), so that the next ones are already here.
PREFETCH = 64
WATCH_SECONDS = 15.0
RETRY_SECONDS = 0.5
LONGEST_RETRY_SECONDS = 5.0
# A quorum queue burns ten deliveries in a tenth of a second.
REQUEUE_SECONDS = 1.0
FINISH_SECONDS = 3.0
# Other services' relays notice within a second that the broker is back and send what their outboxes hold.
SETTLE_SECONDS = 3.0

log = structlog.get_logger()


class Place:
    """Our consumers at the queues, while the connection lasts."""

    def __init__(self, connection: AbstractConnection, gone: asyncio.Event, asking: AbstractChannel) -> None:
        self.connection = connection
        self.gone = gone
        self.handling = Handling()
        self.since = time.monotonic()
        self._asking = asking

    async def state(self, queue: str) -> spec.Queue.DeclareOk:
        """On a channel of its own: a question that is given up closes its channel. Raises BusAway."""
        with losses():
            async with asyncio.timeout(ANSWER_SECONDS):
                return (await self._asking.declare_queue(queue, passive=True)).declaration_result

    async def until_lost(self, queues: list[str]) -> None:
        """Return when the connection or a consumer is gone, or the broker no longer knows of it. Raises BusAway."""
        while not self.gone.is_set():
            await wait_for(self.gone, WATCH_SECONDS)
            for queue in queues:
                if not self.gone.is_set() and not (await self.state(queue)).consumer_count:
                    return


class Subscriber:
    """One service's consumer."""

    def __init__(self, url: str, service: str, deliver: Deliver, dead: Deliver) -> None:
        self._url = url
        self._service = service
        self._handlers = {queue_name(service): deliver, dead_queue_name(service): dead}
        self._place: Place | None = None
        self._fault = "not yet"

    async def run_for_ever(self) -> NoReturn:
        pause = RETRY_SECONDS
        while True:
            try:
                await self._consume()
                pause = RETRY_SECONDS
                self._fault = "lost"
                log.warning("bus lost", service=self._service)
            except BusAway as error:
                self._fault = str(error)
                log.warning("bus away", service=self._service, error=self._fault)
            except Exception as error:
                self._fault = f"{type(error).__name__}: {error}"
                log.exception("consumer crashed", service=self._service)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_RETRY_SECONDS)

    async def backlog(self) -> int:
        """Raises BusAway."""
        if self._place is None:
            raise BusAway(f"not connected: {self._fault}")
        place = self._place
        waiting = (await place.state(queue_name(self._service))).message_count or 0
        settling = time.monotonic() - place.since < SETTLE_SECONDS
        return waiting + len(place.handling) + settling

    async def _consume(self) -> None:
        """Consume until the connection, or our place at a queue, is lost. Raises BusAway."""
        connection = await connect(self._url, f"{self._service} consumer")
        try:
            with losses():
                async with asyncio.timeout(ANSWER_SECONDS):
                    channel = await connection.channel(publisher_confirms=False)
                    await declare(channel)
                    place = Place(connection, await lost(connection, channel), await connection.channel())
            await self._hold(place, channel)
        finally:
            await close(connection)

    async def _hold(self, place: Place, channel: AbstractChannel) -> None:
        tags: dict[str, str] = {}
        try:
            with losses():
                async with asyncio.timeout(ANSWER_SECONDS):
                    await channel.set_qos(prefetch_count=PREFETCH)
                    for name, deliver in self._handlers.items():
                        queue = await channel.get_queue(name, ensure=False)
                        tags[name] = await queue.consume(taking(place.handling, deliver))
            self._place = place
            log.info("bus connected", service=self._service)
            await place.until_lost(list(self._handlers))
        finally:
            self._place = None
            await leave(place, channel, tags)


async def leave(place: Place, channel: AbstractChannel, tags: dict[str, str]) -> None:
    """Take no more, and finish what is here: what was handled is acknowledged if the connection still stands."""
    if not place.gone.is_set():
        try:
            with losses():
                async with asyncio.timeout(ANSWER_SECONDS):
                    for name, tag in tags.items():
                        await (await channel.get_queue(name, ensure=False)).cancel(tag)
        except BusAway as error:
            log.info("left the queues without a word", error=str(error))
    await place.handling.finish(FINISH_SECONDS)


def taking(handling: Handling, deliver: Deliver) -> Callable[[AbstractIncomingMessage], Coroutine[Any, Any, None]]:
    async def take(incoming: AbstractIncomingMessage) -> None:
        handling.start(hand_over(deliver, incoming))

    return take


async def hand_over(deliver: Deliver, incoming: AbstractIncomingMessage) -> None:
    """Acknowledge after the handler's transaction: a crash in between delivers again, and the inbox knows it."""
    try:
        await deliver(read(incoming))
    except Exception:
        log.exception("message neither handled nor parked", event_name=incoming.type, event_id=incoming.message_id)
        await asyncio.sleep(REQUEUE_SECONDS)
        answer = incoming.reject(requeue=True)
    else:
        answer = incoming.ack()
    try:
        with losses():
            await answer
    except BusAway as error:
        log.info("not acknowledged, it will come again", event_id=incoming.message_id, error=str(error))


def read(incoming: AbstractIncomingMessage) -> Message:
    headers = {key: str(value) for key, value in incoming.headers.items()}
    return Message(message_id(incoming), incoming.type or "", incoming.body, headers)


def message_id(incoming: AbstractIncomingMessage) -> UUID:
    """Ours bear the event's id; for a stranger's message one that stays the same over redeliveries."""
    try:
        return UUID(incoming.message_id or "")
    except ValueError:
        return UUID(bytes=sha256(incoming.body).digest()[:16])
