"""What is over goes, what is young stays; and whoever is erased is named nowhere."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession

from services.reservations.commands import pruning
from services.reservations.jobs import prune
from services.reservations.tests.cinema import (
    THEATER,
    Buyer,
    buyer,
    on_sale,
    paid,
    scheduled,
    seats,
    sql,
    tell,
)
from services.shared.auth import Role
from services.shared.events import Hall, HallLayoutPublished, TicketIssued, UserErased
from services.shared.ids import new_id
from services.shared.jobs import Work

pytestmark = pytest.mark.asyncio(loop_scope="package")

OF_SHOWTIMES = ("claim", "hold", "slot", "ticket", "map_version")


async def once(app: FastAPI, remove: Callable[[AsyncSession], Awaitable[int]]) -> int:
    async with app.state.sessions.begin() as session:
        return await remove(session)


def issued(held: Any, person: Buyer, name: str = "Ada Lovelace") -> TicketIssued:
    return TicketIssued(
        booking_id=held["booking_id"],
        ticket_id=new_id(),
        user_id=person.user_id,
        holder_name=name,
        movie_id=new_id(),
        showtime_id=held["showtime_id"],
        seat_no=held["seats"][0]["seat_no"],
        seat=held["seats"][0]["label"],
        starts_at="2030-01-01T20:00:00Z",
    )


async def bought(app: FastAPI, person: Buyer, label: str = "A1") -> Any:
    held = await person.hold(label)
    await tell(app, paid(held, person), issued(held, person))
    return held


async def ended(app: FastAPI, showtime_id: UUID, ago: str) -> None:
    past = "UPDATE showtime SET ends_at = now() - cast(:ago AS interval) WHERE id = :id"
    await sql(app, past, id=showtime_id, ago=ago)


async def left(app: FastAPI, showtime_id: UUID) -> dict[str, int]:
    """How many rows of it there are, by table."""
    counts = {
        table: await sql(app, f"SELECT count(*) FROM {table} WHERE showtime_id = :id", id=showtime_id)
        for table in OF_SHOWTIMES
    }
    return {table: rows[0][0] for table, rows in counts.items()}


async def test_what_is_over_for_a_month_is_forgotten_and_nothing_else(app: FastAPI) -> None:
    old, young = await on_sale(app), await on_sale(app)
    for showtime_id in (old, young):
        await bought(app, buyer(app, showtime_id))
        await sql(app, "INSERT INTO map_version VALUES (:id, 1)", id=showtime_id)
    await ended(app, old, "30 days 1 minute")
    await ended(app, young, "29 days 23 hours")
    assert await once(app, pruning.prune_showtimes) == 1
    assert await left(app, old) == dict.fromkeys(OF_SHOWTIMES, 0)
    assert await left(app, young) == dict.fromkeys(OF_SHOWTIMES, 1)
    assert (await buyer(app, old).map())["code"] == "showtime_not_found"
    assert (await buyer(app, young).map())["version"] == 2


async def test_the_job_goes_on_until_nothing_is_left(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "SHOWTIMES_AT_ONCE", 2)
    showtimes = [await on_sale(app, seats(1, 2)) for _ in range(5)]
    for showtime_id in showtimes:
        await ended(app, showtime_id, "31 days")
    assert await once(app, pruning.prune_showtimes) == 2
    await prune(Work(app.state.sessions, app.state))
    assert await sql(app, "SELECT FROM showtime WHERE id = ANY(:ids)", ids=showtimes) == []


async def test_a_layout_goes_a_month_after_another_has_replaced_it_in_all_showtimes(app: FastAPI) -> None:
    hall_id = new_id()

    def layout(version: int) -> HallLayoutPublished:
        hall = Hall(id=hall_id, name="One", layout_version=version)
        return HallLayoutPublished(theater=THEATER, hall=hall, seats=seats(1, 4), version=version)

    async def versions() -> list[int]:
        rows = await sql(app, "SELECT version FROM layout WHERE hall_id = :id ORDER BY 1", id=hall_id)
        return [version for (version,) in rows]

    showtime = scheduled(layout(1).hall, 4)
    await tell(app, layout(1), layout(2), layout(3), layout(4), showtime)
    await sql(app, "UPDATE layout SET created_at = now() - interval '90 days' WHERE hall_id = :id", id=hall_id)
    # Version 3 was replaced just now, version 1 is in use.
    await sql(app, "UPDATE layout SET created_at = now() WHERE hall_id = :id AND version = 4", id=hall_id)
    assert await once(app, pruning.prune_layouts) == 1
    assert await versions() == [1, 3, 4]
    await ended(app, showtime.showtime_id, "31 days")
    await prune(Work(app.state.sessions, app.state))
    assert await versions() == [3, 4]


async def names(app: FastAPI, showtime_id: UUID) -> set[str]:
    usher = buyer(app, showtime_id, Role.staff)
    view = (await usher.client.get(f"/api/reservations/showtimes/{showtime_id}/occupancy")).json()
    return {seat["name"] for seat in view["seats"] if seat["status"] == "sold"}


async def test_whoever_is_erased_is_named_nowhere_but_keeps_the_seat(app: FastAPI) -> None:
    showtime_id = await on_sale(app)
    person, other = buyer(app, showtime_id), buyer(app, showtime_id)
    await bought(app, person)
    await bought(app, other, "B1")
    await person.hold("A3", key="what-only-they-know")
    await tell(app, UserErased(user_id=person.user_id))
    assert await names(app, showtime_id) == {"", "Ada Lovelace"}
    assert (await person.map())["sold"] == [1, 11]
    assert (await person.client.get("/api/reservations/me/export")).json()["tickets"][0]["holder_name"] == ""
    keys = "SELECT idempotency_key, body_digest FROM hold WHERE user_id = :id"
    assert set(await sql(app, keys, id=person.user_id)) == {(None, None)}


async def test_a_ticket_that_is_heard_of_after_the_erasure_brings_no_name_back(app: FastAPI) -> None:
    showtime_id = await on_sale(app)
    person = buyer(app, showtime_id)
    held = await person.hold("A1")
    await tell(app, paid(held, person), UserErased(user_id=person.user_id), issued(held, person))
    assert await names(app, showtime_id) == {""}


async def test_a_name_that_came_at_the_same_moment_as_the_erasure_goes_with_the_next_sweep(app: FastAPI) -> None:
    showtime_id = await on_sale(app)
    person = buyer(app, showtime_id)
    await bought(app, person)
    await sql(app, "INSERT INTO erased (user_id) VALUES (:id)", id=person.user_id)
    await prune(Work(app.state.sessions, app.state))
    assert await names(app, showtime_id) == {""}


async def test_who_was_erased_is_forgotten_when_no_message_of_theirs_can_come_any_more(app: FastAPI) -> None:
    young, old = new_id(), new_id()
    await tell(app, UserErased(user_id=young), UserErased(user_id=old))
    await sql(app, "UPDATE erased SET erased_at = now() - interval '30 days 1 minute' WHERE user_id = :id", id=old)
    await sql(app, "UPDATE erased SET erased_at = now() - interval '29 days' WHERE user_id = :id", id=young)
    assert await once(app, pruning.forget_erased) == 1
    assert await sql(app, "SELECT user_id FROM erased WHERE user_id = ANY(:ids)", ids=[young, old]) == [(young,)]


async def test_the_export_has_all_that_is_stored_about_the_caller(app: FastAPI) -> None:
    showtime_id = await on_sale(app)
    customer, other = buyer(app, showtime_id), buyer(app, showtime_id)
    await other.hold("B1")
    released = await customer.hold("A5", key="my-own-words")
    await customer.give_back(released)
    sold = await bought(app, customer)
    live = await customer.hold("A3")
    export = (await customer.client.get("/api/reservations/me/export")).json()
    assert [(hold["booking_id"], hold["status"]) for hold in export["holds"]] == [
        (released["booking_id"], "released"),
        (sold["booking_id"], "sold"),
        (live["booking_id"], "held"),
    ]
    first, second, _ = export["holds"]
    assert first["created_at"] < first["released_at"] < first["expires_at"]
    assert (first["release_reason"], first["idempotency_key"]) == ("customer", "my-own-words")
    assert second["created_at"] < second["sold_at"]
    assert [ticket["holder_name"] for ticket in export["tickets"]] == ["Ada Lovelace"]
    assert [slot["booking_id"] for slot in export["slots"]] == [live["booking_id"]]
