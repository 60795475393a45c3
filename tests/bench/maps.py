"""Seat-map reads a second, next to a static JSON answer of the same process."""

from tests.bench.load import Result, request, run
from tests.conftest import world_of
from tests.stack import Stack

CLIENTS = 32
READS_PER_CLIENT = 150
HALL = {"rows": 15, "seats_per_row": 20}
PRICES = [{"category": "standard", "ticket_type": "adult", "amount": 1000}]


async def read(stack: Stack) -> tuple[Result, Result]:
    """Maps of a hall with a hundred held seats, then the static answers."""
    world = world_of(stack)
    manager = world.manager()
    hall = await manager.open_hall(HALL)
    showtime = await manager.schedule(hall["id"], prices=PRICES)
    for row in "ABCDEFGHJK":
        await world.customer().hold(showtime["id"], [f"{row}{number}" for number in range(1, 11)])
    await world.close()
    port = stack.worker("reservations").port
    path = f"/api/reservations/showtimes/{showtime['id']}/seats"
    found = []
    for each in (path, "/api/ticketing/config"):
        await run([port], [[request("GET", each)] * 10 for _ in range(CLIENTS)])
        found.append(await run([port], [[request("GET", each)] * READS_PER_CLIENT for _ in range(CLIENTS)]))
    reads, static = found
    assert set(reads.statuses) == set(static.statuses) == {200}
    return reads, static
