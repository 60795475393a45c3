"""What only a broker can do to us: go away, come back, block, forget, return, and hand over strange messages."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel
from yarl import URL

from infra.local.rabbitmq import RabbitMQ
from infra.local.testing import Broker, disposable_broker
from services.shared.bus import BusAway, Message, RabbitBus
from services.shared.bus.rabbit import connection, publisher, subscriber
from services.shared.bus.rabbit.connection import losses
from services.shared.bus.rabbit.topology import EXCHANGE, dead_queue_name, queue_name
from services.shared.events import UserVerified, routing_key
from services.shared.messaging import outbox
from services.shared.tests.carriers import Rabbit
from services.shared.tests.participant import Participant, eventually, ids, stays, verified
from services.shared.tests.proxy import Proxy

QUEUE, DEAD = queue_name("ticketing"), dead_queue_name("ticketing")


@pytest.fixture
async def rabbit(broker: Broker) -> Rabbit:
    carrier = Rabbit(broker.url)
    await carrier.purge()
    return carrier


@pytest.fixture(scope="module")
def own_broker() -> Iterator[Broker]:
    """One to stop and start."""
    with disposable_broker() as server:
        yield server


@asynccontextmanager
async def channel_to(url: str) -> AsyncIterator[AbstractChannel]:
    async with await aio_pika.connect(url) as connected:
        yield await connected.channel()


async def waiting(url: str, queue: str) -> int | None:
    async with channel_to(url) as channel:
        return (await channel.declare_queue(queue, passive=True)).declaration_result.message_count


async def test_a_broker_that_restarts_amid_200_events_loses_and_repeats_none(
    own_broker: Broker, users: Participant, ticketing: Participant
) -> None:
    events = [verified() for _ in range(200)]
    async with (
        ticketing.running(RabbitBus(own_broker.url, "ticketing")),
        users.running(RabbitBus(own_broker.url, "users")),
    ):
        await users.publish(*events[:60])
        await eventually(lambda: some(ticketing), True)
        stopping = asyncio.create_task(asyncio.to_thread(own_broker.stop))
        for event in events[60:140]:
            await users.publish(event)
        await stopping
        await users.publish(*events[140:])
        own_broker.start()  # not in a thread: a child dies with the thread that started it
        await eventually(ticketing.heard, ids(events), seconds=30)
        await eventually(users.outbox, [])
        await stays(ticketing.heard, ids(events))


async def some(participant: Participant) -> bool:
    return bool(await participant.heard())


async def test_a_broker_that_is_killed_amid_events_loses_and_repeats_none(
    own_broker: Broker, users: Participant, ticketing: Participant
) -> None:
    await asyncio.sleep(1)  # RabbitMQ 3.10 registers a queue it has just declared a second later
    events = [verified() for _ in range(200)]
    async with (
        ticketing.running(RabbitBus(own_broker.url, "ticketing")),
        users.running(RabbitBus(own_broker.url, "users")),
    ):
        await users.publish(*events[:100])
        await eventually(lambda: some(ticketing), True)
        own_broker.kill()
        await users.publish(*events[100:])
        own_broker.start()
        await eventually(ticketing.heard, ids(events), seconds=30)
        await eventually(users.outbox, [])


async def test_events_wait_for_a_broker_that_is_away_at_the_start(
    own_broker: Broker, users: Participant, ticketing: Participant
) -> None:
    await asyncio.to_thread(own_broker.stop)
    event = verified()
    bus = RabbitBus(own_broker.url, "ticketing")
    async with ticketing.running(bus), users.running(RabbitBus(own_broker.url, "users")):
        await users.publish(event)
        with pytest.raises(BusAway, match="not connected"):
            await bus.backlog("ticketing")
        assert len(await users.outbox()) == 1
        own_broker.start()
        await eventually(ticketing.heard, [event.id], seconds=20)


async def test_events_wait_for_a_broker_that_blocks_its_publishers(
    own_broker: Broker, users: Participant, ticketing: Participant, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not isinstance(own_broker, RabbitMQ):
        pytest.skip("needs a broker whose configuration is a file of ours")
    monkeypatch.setattr(publisher, "ANSWER_SECONDS", 1.0)
    configuration = own_broker.folder / "rabbitmq.conf"
    before = configuration.read_text()
    configuration.write_text(before + "vm_memory_high_watermark.absolute = 1MB\n")  # the alarm sounds at once
    own_broker.restart()
    events = [verified() for _ in range(50)]
    async with (
        ticketing.running(RabbitBus(own_broker.url, "ticketing")),
        users.running(RabbitBus(own_broker.url, "users")),
    ):
        await users.publish(*events)
        await stays(lambda: some_wait(users), True, seconds=3)
        configuration.write_text(before)
        await asyncio.to_thread(own_broker.stop)
        own_broker.start()
        await eventually(ticketing.heard, ids(events), seconds=20)
        await eventually(users.outbox, [])


async def some_wait(participant: Participant) -> bool:
    return bool(await participant.outbox())


async def test_a_cut_network_is_noticed_and_outlived(
    rabbit: Rabbit, users: Participant, ticketing: Participant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody closes anything: only heartbeats and timeouts tell. The library then cancels what waits for an answer."""
    monkeypatch.setattr(connection, "HEARTBEAT_SECONDS", 1)
    monkeypatch.setattr(subscriber, "LONGEST_RETRY_SECONDS", 1.0)
    for module in (connection, publisher, subscriber):
        monkeypatch.setattr(module, "ANSWER_SECONDS", 30.0)
    events = [verified() for _ in range(20)]
    async with Proxy(URL(rabbit.url).port or 0).listening() as network:
        url = str(URL(rabbit.url).with_port(network.port))
        bus = RabbitBus(url, "ticketing")
        async with ticketing.running(bus), users.running(RabbitBus(url, "users")):
            await users.publish(*events[:10])
            await eventually(ticketing.heard, ids(events[:10]))
            network.cut = True
            await users.publish(*events[10:])
            await eventually(lambda: connected(bus), False, seconds=20)
            network.cut = False
            network.abort()
            await eventually(ticketing.heard, ids(events), seconds=20)
            await eventually(users.outbox, [])


async def connected(bus: RabbitBus) -> bool:
    return bus._subscriber is not None and bus._subscriber._place is not None


async def test_connections_that_are_reset_again_and_again_lose_and_repeat_nothing(
    rabbit: Rabbit, users: Participant, ticketing: Participant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "AWAY_SECONDS", 0.05)
    monkeypatch.setattr(outbox, "PUT_OFF", timedelta(seconds=0.05))
    events = [verified() for _ in range(300)]
    async with Proxy(URL(rabbit.url).port or 0).listening() as network:
        url = str(URL(rabbit.url).with_port(network.port))
        async with ticketing.running(RabbitBus(url, "ticketing")), users.running(RabbitBus(url, "users")):
            for start in range(0, 300, 60):
                await users.publish(*events[start : start + 60])
                await asyncio.sleep(0.1)
                network.abort()
            await eventually(ticketing.heard, ids(events), seconds=30)
            await eventually(users.outbox, [])


async def test_a_deleted_queue_is_noticed_and_declared_again(
    rabbit: Rabbit, users: Participant, ticketing: Participant
) -> None:
    bus = rabbit.bus("ticketing")
    async with ticketing.running(bus), users.running(rabbit.bus("users")):
        assert isinstance(bus, RabbitBus)
        await eventually(lambda: connected(bus), True)
        async with channel_to(rabbit.url) as channel:
            await channel.queue_delete(QUEUE)
        await eventually(lambda: connected(bus), False)
        await eventually(lambda: connected(bus), True)
        event = verified()
        await users.publish(event)
        await eventually(ticketing.heard, [event.id])


async def test_a_consumer_that_the_broker_has_forgotten_is_noticed(
    rabbit: Rabbit, ticketing: Participant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriber, "WATCH_SECONDS", 0.2)
    bus = rabbit.bus("ticketing")
    assert isinstance(bus, RabbitBus)
    async with ticketing.running(bus):
        await eventually(lambda: connected(bus), True)
        await asyncio.sleep(0.5)
        assert bus._subscriber
        place = bus._subscriber._place
        assert place, "a consumer that is known stays"
        transport: Any = place.connection.transport
        for channel in transport.connection.channels.values():
            for tag in list(channel.consumers if channel else ()):
                await channel.basic_cancel(tag)
        await eventually(lambda: connected(bus), False)
        await eventually(lambda: connected(bus), True)
        assert bus._subscriber._place is not place


async def test_an_event_without_a_queue_is_put_off_until_there_is_one(
    rabbit: Rabbit, users: Participant, ticketing: Participant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "PUT_OFF", timedelta(seconds=0.1))
    first, second = verified(), verified()
    async with users.running(rabbit.bus("users")):
        await users.publish(first)
        await eventually(users.outbox, [])
        async with channel_to(rabbit.url) as channel:
            queue = await channel.get_queue(QUEUE)
            exchange = await channel.get_exchange(EXCHANGE)
            await queue.unbind(exchange, routing_key(UserVerified))
            await users.publish(second)
            await eventually(lambda: refusals(users), True)
            assert (await users.outbox())[0].error == "users.UserVerified: no queue is bound to it"
            await queue.bind(exchange, routing_key(UserVerified))
            await eventually(users.outbox, [])
    async with ticketing.running(rabbit.bus("ticketing")):
        await eventually(ticketing.heard, ids([first, second]))


async def refusals(participant: Participant) -> bool:
    return any(row.attempts > 1 for row in await participant.outbox())


async def test_a_message_that_kills_its_consumers_ends_among_the_dead_letters(
    rabbit: Rabbit, users: Participant, ticketing: Participant
) -> None:
    event = verified()
    async with users.running(rabbit.bus("users")):
        await users.publish(event)
        await eventually(users.outbox, [])
    deaths = 0
    while await waiting(rabbit.url, QUEUE):
        async with channel_to(rabbit.url) as channel:
            await (await channel.get_queue(QUEUE)).get()  # and the connection ends without an acknowledgement
        deaths += 1
        await asyncio.sleep(0.1)
    assert deaths == 11
    await eventually(lambda: waiting(rabbit.url, DEAD), 1)
    async with ticketing.running(rabbit.bus("ticketing")):
        await eventually(lambda: ticketing.count("parked"), 1)
        [parked] = await ticketing.parked()
        assert parked.event_id == event.id
        assert parked.dead_at
        assert parked.error.startswith("services.shared.messaging.inbox.Crashed")
        await eventually(lambda: waiting(rabbit.url, DEAD), 0)


async def test_a_message_that_can_neither_be_handled_nor_parked_does_not_burn_its_deliveries(
    rabbit: Rabbit, users: Participant, ticketing: Participant, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = 0

    async def receive(message: Message) -> None:
        nonlocal tries
        tries += 1
        raise RuntimeError("out of order")

    ticketing.receive = receive
    async with ticketing.running(rabbit.bus("ticketing")), users.running(rabbit.bus("users")):
        await users.publish(verified())
        await asyncio.sleep(1.5)
        assert tries <= 2
        monkeypatch.setattr(subscriber, "REQUEUE_SECONDS", 0.01)
        await eventually(lambda: ticketing.count("parked"), 1)
        assert tries == 11


async def test_a_strangers_message_without_an_id_of_ours_is_kept_for_a_person(
    rabbit: Rabbit, ticketing: Participant
) -> None:
    async with ticketing.running(rabbit.bus("ticketing")):
        async with channel_to(rabbit.url) as channel:
            for _ in range(2):
                strange = aio_pika.Message(b"hello", message_id="1", headers={"list": [1, None], "nul": "\0"})
                await channel.default_exchange.publish(strange, QUEUE)
        await eventually(lambda: ticketing.count("parked"), 1)
        await eventually(lambda: waiting(rabbit.url, QUEUE), 0)
        [parked] = await ticketing.parked()
        assert (parked.body, parked.name) == (b"hello", "")
        assert "no event is called ''" in parked.error


async def test_a_cancellation_by_the_library_is_a_loss_and_our_own_is_not() -> None:
    """aiormq cancels what waits for an answer when a connection dies of a missed heartbeat."""
    with pytest.raises(BusAway), losses():
        raise asyncio.CancelledError

    async def wait() -> None:
        with losses():
            await asyncio.sleep(30)

    waiting = asyncio.create_task(wait())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert waiting.cancelled()
