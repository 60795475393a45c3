"""A seat breaks: from the theater's editor to the seat maps of coming showtimes, and back."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.people import Manager, World, eventually

HALL = {"rows": 2, "seats_per_row": 6}
PRICES = [{"category": "standard", "ticket_type": "adult", "amount": 1000}]


def next_week() -> str:
    return (datetime.now(UTC) + timedelta(days=7)).isoformat()


async def mark(manager: Manager, hall_id: str, label: str, *, out: bool) -> None:
    path = f"/api/theaters/halls/{hall_id}/seats/{label}"
    await manager.call("PATCH", path, json={"out_of_service": out})


async def test_a_broken_seat_is_sold_in_no_showtime_until_it_is_mended(world: World) -> None:
    manager, customer, other = world.manager(), world.customer(), world.customer()
    hall = await manager.open_hall(HALL)
    first = await manager.schedule(hall["id"], prices=PRICES)
    held = await customer.hold(first["id"], ["A1"])

    async def seats(showtime: Any) -> Any:
        return await other.get(f"/api/reservations/showtimes/{showtime['id']}/seats")

    async def are_blocked(showtime: Any, *numbers: int) -> bool:
        return bool((await seats(showtime))["sold"] == list(numbers))

    for label in ("A1", "A2"):
        await mark(manager, hall["id"], label, out=True)
    await eventually(lambda: are_blocked(first, 2))
    assert (await seats(first))["held"] == [1]
    refused = await other.try_hold(first["id"], ["A2", "A3"])
    assert (refused.status_code, refused.json()["taken"]) == (409, ["A2"])

    await customer.call("DELETE", f"/api/reservations/holds/{held['booking_id']}", 204)
    await eventually(lambda: are_blocked(first, 1, 2))
    later = await manager.schedule(hall["id"], prices=PRICES, starts_at=next_week())
    await other.hold(later["id"], ["A3"])
    assert await are_blocked(later, 1, 2)

    for label in ("A1", "A2"):
        await mark(manager, hall["id"], label, out=False)
    await eventually(lambda: are_blocked(first))
    await eventually(lambda: are_blocked(later))
    await other.hold(first["id"], ["A1", "A2"])
