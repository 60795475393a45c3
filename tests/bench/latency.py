"""From hold to tickets, for one customer at a time, next to what its requests and commits take at least."""

import time
from statistics import median

import psycopg

from tests.bench.load import request, run
from tests.conftest import world_of
from tests.stack import Stack

BOOKINGS = 20
# hold, pay, confirm at the provider, wait for the order
REQUESTS = 4
# the hold; the order; the attempt, the intent; the webhook; the payment; the sale; the tickets
COMMITS = 8


async def measure(stack: Stack) -> tuple[float, float]:
    """Seconds, median: of the journey, and of its bound."""
    world = world_of(stack)
    manager = world.manager()
    hall = await manager.open_hall()
    showtime = await manager.schedule(hall["id"])
    await world.customer().hold(showtime["id"], ["A1"])
    seconds = []
    for number in range(BOOKINGS):
        customer = world.customer()
        started = time.perf_counter()
        row, seat = "BCDEFGHJK"[number // 7], 1 + 2 * (number % 7)
        held = await customer.hold(showtime["id"], [f"{row}{seat}", f"{row}{seat + 1}"])
        await customer.pay_by_card(held["booking_id"])
        await customer.until(held["booking_id"], "issued")
        seconds.append(time.perf_counter() - started)
    await world.close()
    static = await run([stack.worker("ticketing").port], [[request("GET", "/healthz")] * 200])
    return median(seconds), REQUESTS * static.typical + COMMITS * commit_seconds(stack)


def commit_seconds(stack: Stack) -> float:
    """The median of one small durable write by one client."""
    taken = []
    with psycopg.connect(stack.postgres.dsn, dbname="app", autocommit=True) as connection:
        connection.execute("CREATE TABLE bench (number int)")
        for number in range(200):
            started = time.perf_counter()
            connection.execute("INSERT INTO bench VALUES (%s)", [number])
            taken.append(time.perf_counter() - started)
        connection.execute("DROP TABLE bench")
    return median(taken)
