"""The bus goes away and comes back: nobody loses paid seats meanwhile, and nobody's clock ran."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI

from infra.local.testing import Broker, Database
from services.reservations.tests.cinema import Buyer, buyer, new_app, on_sale, paid, run_out, sql, started, tell
from services.shared.bus import Message
from services.shared.bus.rabbit import RabbitBus
from services.shared.events import PaymentSucceeded
from services.shared.messaging.outbox import encode
from services.shared.messaging.tables import Outbox
from services.shared.testing import environment, running


@pytest.fixture
async def app(fresh_database: Database, broker: Broker) -> AsyncIterator[FastAPI]:
    """The service on a real RabbitMQ."""
    with environment(fresh_database.environment() | {"MARQUEE_BUS_URL": broker.url}):
        own = new_app()
        async with running(own):
            yield own


async def faults(customer: Buyer) -> dict[str, str]:
    answer = await customer.client.get("/readyz")
    return dict(answer.json()["faults"].get("reservations", {}))


async def readiness(customer: Buyer, *, heard: bool) -> None:
    """Wait until the service hears the bus, or no longer does."""
    async with asyncio.timeout(30):
        while ("backlog" not in await faults(customer)) != heard:  # noqa: ASYNC110
            await asyncio.sleep(0.1)


def message(event: PaymentSucceeded) -> Message:
    return encode(Outbox(event_id=event.id, name="PaymentSucceeded", body=event.model_dump(mode="json"), headers={}))


async def test_a_payment_that_waited_in_the_bus_gets_its_seats(app: FastAPI, broker: Broker) -> None:
    showtime_id = await on_sale(app)
    customer, other = buyer(app, showtime_id), buyer(app, showtime_id)
    await readiness(customer, heard=True)
    paying, held = await customer.hold("A1"), await customer.hold("A3")
    await tell(app, started(paying))
    broker.stop()
    try:
        await readiness(customer, heard=False)
        assert app.state.office.reception.cut_off
        # Its clock runs out, and yet nobody gets the seat whose payment has started.
        await run_out(app, paying)
        assert (await other.refused("A1"))["code"] == "seats_taken"
        await asyncio.sleep(1.2)
        assert await customer.status(paying) == "paying"
        await other.hold("A5")
        await sql(app, "UPDATE heartbeat SET seen_at = now() - interval '2 min'")
        before = await sql(app, "SELECT held_until FROM hold WHERE booking_id = :id", id=held["booking_id"])
    finally:
        broker.start()
    ticketing = RabbitBus(broker.url, "ticketing")
    try:
        await ticketing.publish([message(paid(paying, customer))])
    finally:
        await ticketing.close()
    await readiness(customer, heard=True)
    async with asyncio.timeout(5):
        while await customer.status(paying) != "sold":  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    after = await sql(app, "SELECT held_until FROM hold WHERE booking_id = :id", id=held["booking_id"])
    # Created during what we made the outage look like: credited with its own age.
    assert after[0][0] > before[0][0]
