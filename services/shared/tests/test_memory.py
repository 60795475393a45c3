"""What is the in-process carrier's own: who is there, who is not, what a run before may have left."""

import asyncio

from services.shared.bus import BusAway, MemoryBroker, Message
from services.shared.messaging.outbox import encode, outbox_row
from services.shared.messaging.tables import Outbox
from services.shared.tests.participant import Participant, cancelled, eventually, stays, verified


async def test_an_event_waits_for_a_consumer_that_is_not_here_and_the_others_go_on(
    users: Participant, catalog: Participant, ticketing: Participant, reservations: Participant
) -> None:
    broker = MemoryBroker()
    for_both, for_one = cancelled(), verified()
    async with (
        ticketing.running(broker.connect("ticketing")),
        catalog.running(broker.connect("catalog")),
        users.running(broker.connect("users")),
    ):
        await catalog.publish(for_both)
        await users.publish(for_one)
        await eventually(ticketing.heard, [for_one.id])
        await stays(lambda: catalog.count("outbox"), 1)
        async with reservations.running(broker.connect("reservations")):
            await eventually(reservations.heard, [for_both.id])
            await eventually(lambda: ticketing.count("heard"), 2)


async def test_what_the_outboxes_of_a_run_before_may_hold_counts_as_backlog() -> None:
    broker = MemoryBroker()
    catalog, theaters = broker.connect("catalog"), broker.connect("theaters")
    for bus, service in ((catalog, "catalog"), (theaters, "theaters")):
        await bus.subscribe(service, never, never)
    assert await catalog.backlog("catalog") == 1
    assert await theaters.backlog("theaters") == 0, "theaters listens to nobody"
    await theaters.publish([])
    assert await catalog.backlog("catalog") == 0


async def test_a_service_that_stops_takes_nobody_with_it() -> None:
    broker, message = MemoryBroker(), encode(Outbox(**outbox_row(verified())))
    heard: list[Message] = []

    async def hear(message: Message) -> None:
        heard.append(message)

    catalog, ticketing, users = (broker.connect(name) for name in ("catalog", "ticketing", "users"))
    await catalog.subscribe("catalog", never, never)
    await ticketing.subscribe("ticketing", hear, never)
    await catalog.close()
    assert await users.publish([message]) == [None]
    await ticketing.close()
    [outcome] = await users.publish([message])
    assert isinstance(outcome, BusAway)
    assert heard == [message]


async def test_a_sender_that_is_cancelled_does_not_interrupt_the_handler() -> None:
    broker, message = MemoryBroker(), encode(Outbox(**outbox_row(verified())))
    begun, finished = asyncio.Event(), asyncio.Event()

    async def handle(_: Message) -> None:
        begun.set()
        await asyncio.sleep(0.1)
        finished.set()

    ticketing = broker.connect("ticketing")
    await ticketing.subscribe("ticketing", handle, never)
    sending = asyncio.create_task(broker.connect("users").publish([message]))
    await begun.wait()
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    assert not finished.is_set()
    await ticketing.close()
    assert finished.is_set()
    assert await ticketing.backlog("ticketing") == 0


async def never(_: Message) -> None:
    raise AssertionError
