"""A cinema with something of everything in it, so that what is fuzzed finds real objects behind real ids."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from services.shared import keys
from services.shared.auth import AUDIENCE, ISSUER, TOKEN_TYPE, Role
from services.shared.ids import new_id
from services.shared.settings import DEVELOPMENT_KEY
from tests.conftest import world_of
from tests.people import World
from tests.stack import Stack

BOOKINGS = 3
FOR_EVER = 2**31 - 1


@dataclass
class Cinema:
    """`words` are values worth trying, by the name of a parameter or field."""

    customer_id: UUID = field(default_factory=new_id)
    words: dict[str, list[str]] = field(default_factory=dict)

    def token(self, role: Role) -> str:
        """An access token that outlives the run. The customer is the one whose bookings are in `words`."""
        user_id = self.customer_id if role is Role.customer else new_id()
        claims: dict[str, Any] = {"iss": ISSUER, "aud": AUDIENCE, "sub": str(user_id), "sid": str(new_id())}
        claims |= {"role": role.name, "guest": False, "exp": FOR_EVER}
        return keys.parse(DEVELOPMENT_KEY, "MARQUEE_SIGNING_KEYS").sign(claims, TOKEN_TYPE)


def furnished(stack: Stack) -> Cinema:
    return asyncio.run(furnish(stack))


async def furnish(stack: Stack) -> Cinema:
    world, cinema = world_of(stack), Cinema()
    try:
        bookings = await sell(world, cinema)
        await name_people(world, cinema)
    finally:
        await world.close()
    cinema.words |= {
        "booking_id": [booking["booking_id"] for booking in bookings],
        "ticket_id": [ticket["id"] for booking in bookings for ticket in booking["tickets"]],
        "code": [ticket["code"] for booking in bookings for ticket in booking["tickets"]],
        "label": ["A1", "A2", "B5", "B6", "C1", "D7", "J1", "K3"],
        "ticket_type": ["adult", "child"],
    }
    return cinema


async def sell(world: World, cinema: Cinema) -> list[Any]:
    """Two orders with tickets, one that waits for its payment."""
    manager = world.manager()
    hall = await manager.open_hall()
    tomorrow = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    starts = [tomorrow, tomorrow + timedelta(days=1)]
    showtimes = [await manager.schedule(hall["id"], starts_at=start.isoformat()) for start in starts]
    cinema.words = {
        "theater_id": [hall["theater_id"]],
        "hall_id": [hall["id"]],
        "showtime_id": [showtime["id"] for showtime in showtimes],
        "movie_id": [showtime["movie"]["id"] for showtime in showtimes],
    }
    customer = world.customer()
    customer.client.headers["Authorization"] = f"Bearer {cinema.token(Role.customer)}"
    bookings = []
    for number in range(BOOKINGS):
        held = await customer.hold(showtimes[number % 2]["id"], [f"E{2 * number + 1}", f"E{2 * number + 2}"])
        wanted = "awaiting_payment"
        if number:
            await customer.pay_by_card(held["booking_id"])
            wanted = "issued"
        bookings.append(await customer.until(held["booking_id"], wanted))
    return bookings


async def name_people(world: World, cinema: Cinema) -> None:
    """Somebody whose role and access admins may change."""
    email = "somebody@people.example"
    body = {"email": email, "password": "a long enough passphrase", "full_name": "Some Body"}
    user = await world.customer(None).post("/api/users/register", body)
    cinema.words |= {"user_id": [user["id"]], "email": [email]}
