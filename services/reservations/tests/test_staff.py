from typing import Any

import pytest
from fastapi import FastAPI

from services.reservations.tests.cinema import Buyer, buyer, on_sale, paid, seats, sql, tell, voided
from services.shared.auth import Role
from services.shared.events import TicketIssued, TicketScanned, UserErased
from services.shared.ids import new_id
from services.shared.testing import caller

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def seat_in(manager: Buyer, label: str) -> Any:
    answer = await manager.client.get(f"/api/reservations/showtimes/{manager.showtime_id}/occupancy")
    return next(seat for seat in answer.json()["seats"] if seat["label"] == label)


async def blocks(manager: Buyer, method: str, *labels: str) -> Any:
    path = f"/api/reservations/showtimes/{manager.showtime_id}/blocks"
    return await manager.client.request(method, path, json={"seats": list(labels)})


async def test_ushers_see_who_sits_where_and_who_is_in(app: FastAPI) -> None:
    showtime_id = await on_sale(app, seats(1, 5))
    usher, manager, customer = (buyer(app, showtime_id, role) for role in (Role.staff, Role.manager, Role.customer))
    held = await customer.hold("A1", "A2")
    await tell(app, paid(held, customer))
    await buyer(app, showtime_id).hold("A3")
    await blocks(manager, "POST", "A5")
    ticket_id = new_id()
    ids: dict[str, Any] = {
        "booking_id": held["booking_id"], "ticket_id": ticket_id, "showtime_id": showtime_id, "seat_no": 1, "seat": "A1"
    }  # fmt: skip
    issued = TicketIssued(
        **ids, user_id=customer.user_id, holder_name="Ada", movie_id=new_id(), starts_at="2030-01-01T20:00:00Z"
    )
    # The door may be heard of before the ticket.
    await tell(app, TicketScanned(**ids, gate="1", scanned_at="2030-01-01T19:55:00Z"), issued)
    view = (await usher.client.get(f"/api/reservations/showtimes/{showtime_id}/occupancy")).json()
    counts = {key: view[key] for key in ("capacity", "free", "held", "sold", "blocked", "scanned")}
    assert counts == {"capacity": 5, "free": 1, "held": 1, "sold": 2, "blocked": 1, "scanned": 1}
    assert [seat["status"] for seat in view["seats"]] == ["sold", "sold", "held", "free", "blocked"]
    assert view["seats"][0] == {
        "seat_no": 1,
        "label": "A1",
        "status": "sold",
        "booking_id": held["booking_id"],
        "name": "Ada",
        "scanned_at": "2030-01-01T19:55:00Z",
        "kept_for": None,
        "out_of_service": False,
    }
    export = (await customer.client.get("/api/reservations/me/export")).json()
    assert [ticket["holder_name"] for ticket in export["tickets"]] == ["Ada"]
    await tell(app, UserErased(user_id=customer.user_id))
    assert (await seat_in(usher, "A1"))["name"] == ""
    await tell(app, voided(held, 1, ticket_id))
    freed = await seat_in(usher, "A1")
    assert (freed["status"], freed["booking_id"], freed["name"], freed["scanned_at"]) == ("free", None, None, None)


async def test_blocked_seats_are_sold_to_nobody_and_shown_as_sold(app: FastAPI) -> None:
    showtime_id = await on_sale(app)
    manager, customer = buyer(app, showtime_id, Role.manager), buyer(app, showtime_id)
    answer = await blocks(manager, "POST", "A2", "A1")
    assert (answer.status_code, answer.json()) == (200, {"blocked": ["A1", "A2"]})
    assert (await customer.map())["sold"] == [1, 2]
    assert (await customer.refused("A1"))["code"] == "seats_taken"
    assert (await blocks(manager, "POST", "A1", "A3")).json() == {"blocked": ["A1", "A2", "A3"]}
    assert (await blocks(manager, "DELETE", "A1", "A9")).json() == {"blocked": ["A2", "A3"]}
    await customer.hold("A1")


async def test_the_reason_of_a_block_is_kept_until_it_ends(app: FastAPI) -> None:
    manager = buyer(app, await on_sale(app), Role.manager)
    path = f"/api/reservations/showtimes/{manager.showtime_id}/blocks"
    for reason in ({"reason": "the director's guests"}, {}):
        answer = await manager.client.post(path, json={"seats": ["A1", "A1"], **reason})
        assert (answer.status_code, answer.json()) == (200, {"blocked": ["A1"]})
        assert (await seat_in(manager, "A1"))["kept_for"] == "the director's guests"
    assert (await manager.map())["version"] == 1
    await blocks(manager, "DELETE", "A1", "A1")
    assert (await seat_in(manager, "A1"))["kept_for"] is None
    assert (await manager.map())["version"] == 2
    for bad in ("x" * 201, None, 1, "\0"):
        answer = await manager.client.post(path, json={"seats": ["A1"], "reason": bad})
        assert (answer.status_code, answer.json()["code"]) == (422, "validation_error")


async def test_the_counts_add_up_whatever_happens_to_a_seat(app: FastAPI) -> None:
    showtime_id = await on_sale(app, seats(1, 6))
    usher, manager, customer = (buyer(app, showtime_id, role) for role in (Role.staff, Role.manager, Role.customer))

    async def counts() -> list[int]:
        view = (await usher.client.get(f"/api/reservations/showtimes/{showtime_id}/occupancy")).json()
        uses = [view[use] for use in ("free", "held", "sold", "blocked")]
        assert sum(uses) == view["capacity"] == 6
        return uses

    assert await counts() == [6, 0, 0, 0]
    held = await customer.hold("A1", "A2")
    assert await counts() == [4, 2, 0, 0]
    await tell(app, paid(held, customer))
    await blocks(manager, "POST", "A6")
    assert await counts() == [3, 0, 2, 1]
    await tell(app, voided(held, 1))
    assert await counts() == [4, 0, 1, 1]
    again = buyer(app, showtime_id)
    await tell(app, paid(await again.hold("A1"), again))
    await blocks(manager, "DELETE", "A6")
    assert await counts() == [4, 0, 2, 0]


async def test_the_name_beside_a_seat_is_that_of_the_booking_that_has_it(app: FastAPI) -> None:
    """The old ticket's end may be heard of after the new ticket."""
    showtime_id = await on_sale(app)
    usher, first, second = buyer(app, showtime_id, Role.staff), buyer(app, showtime_id), buyer(app, showtime_id)

    async def ticket(person: Buyer, name: str) -> Any:
        held = await person.hold("A1")
        booking: dict[str, Any] = {"booking_id": held["booking_id"], "showtime_id": showtime_id, "seat_no": 1}
        about = {"ticket_id": new_id(), "user_id": person.user_id, "movie_id": new_id(), "seat": "A1"}
        issued = TicketIssued(**booking, **about, holder_name=name, starts_at="2030-01-01T20:00:00Z")
        await tell(app, paid(held, person), issued)
        return held

    await tell(app, voided(await ticket(first, "Ada"), 1))
    await ticket(second, "Grace")
    assert (await seat_in(usher, "A1"))["name"] == "Grace"


async def test_only_free_seats_are_blocked_all_or_none(app: FastAPI) -> None:
    showtime_id = await on_sale(app)
    manager = buyer(app, showtime_id, Role.manager)
    await buyer(app, showtime_id).hold("A2")
    answer = await blocks(manager, "POST", "A1", "A2")
    assert (answer.status_code, answer.json()["code"], answer.json()["taken"]) == (409, "seats_taken", ["A2"])
    assert (await manager.map())["sold"] == []
    await sql(app, "UPDATE claim SET held_until = now() - interval '1 s' WHERE showtime_id = :id", id=showtime_id)
    assert (await blocks(manager, "POST", "A1", "A2")).status_code == 200


async def test_taking_a_block_away_frees_no_sold_seat(app: FastAPI) -> None:
    showtime_id = await on_sale(app)
    manager, customer = buyer(app, showtime_id, Role.manager), buyer(app, showtime_id)
    await tell(app, paid(await customer.hold("A1"), customer))
    assert (await blocks(manager, "DELETE", "A1")).json() == {"blocked": []}
    assert (await customer.map())["sold"] == [1]


async def test_unknown_seats_and_showtimes_are_refused(app: FastAPI) -> None:
    manager = buyer(app, await on_sale(app), Role.manager)
    stranger = buyer(app, new_id(), Role.manager)
    for method in ("POST", "DELETE"):
        assert (await blocks(manager, method, "Z1")).json()["code"] == "unknown_seats"
        assert (await blocks(manager, method, "A\0")).json()["code"] == "validation_error"
        assert (await blocks(stranger, method, "A1")).json()["code"] == "showtime_not_found"
    occupancy = await stranger.client.get(f"/api/reservations/showtimes/{stranger.showtime_id}/occupancy")
    assert (occupancy.status_code, occupancy.json()["code"]) == (404, "showtime_not_found")


@pytest.mark.parametrize(
    ("method", "path", "least"),
    [
        ("GET", "occupancy", Role.staff),
        ("POST", "blocks", Role.manager),
        ("DELETE", "blocks", Role.manager),
    ],
)
async def test_each_door_opens_from_its_role_on(app: FastAPI, method: str, path: str, least: Role) -> None:
    showtime_id = await on_sale(app)
    body = {"seats": ["A1"]} if path == "blocks" else None
    address = f"/api/reservations/showtimes/{showtime_id}/{path}"
    expected = {None: 401} | {role: 200 if role >= least else 403 for role in Role}
    for role, status in expected.items():
        async with caller(app, role) as client:
            assert (await client.request(method, address, json=body)).status_code == status


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "holds"), ("GET", "holds/{id}"), ("DELETE", "holds/{id}"), ("GET", "me/export")]
)
async def test_what_is_personal_needs_a_person(app: FastAPI, method: str, path: str) -> None:
    async with caller(app) as anonymous:
        answer = await anonymous.request(method, f"/api/reservations/{path.format(id=new_id())}")
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
