import asyncio
from datetime import UTC, timedelta

import icalendar
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select

from services.shared.auth import Role
from services.shared.events import TicketIssued, TicketVoided
from services.shared.ids import new_id
from services.shared.testing import caller, published
from services.ticketing.commands import tickets
from services.ticketing.errors import LiveTicketExists
from services.ticketing.models import Ticket, TicketStatus
from services.ticketing.queries.tickets import signed
from services.ticketing.tests.facts import (
    make_customer,
    make_order,
    make_showtime,
    sell,
    sessions_of,
)


async def test_each_sold_seat_becomes_a_ticket_and_an_event(app: FastAPI) -> None:
    user_id = new_id()
    async with sessions_of(app).begin() as session:
        session.add(make_customer(user_id))
    issued = await sell(app, user_id, 7, 8)
    assert [(ticket.label, ticket.amount, ticket.holder_name) for ticket in issued] == [
        ("F7", 1250, "Ada Test"),
        ("F8", 1250, "Ada Test"),
    ]
    assert len({ticket.code for ticket in issued}) == 2
    events = [event for event in await published(app) if isinstance(event, TicketIssued)]
    assert [(event.ticket_id, event.seat, event.holder_name) for event in events] == [
        (ticket.id, ticket.label, "Ada Test") for ticket in issued
    ]


async def test_a_seat_never_has_two_live_tickets_and_the_caller_may_go_on(app: FastAPI) -> None:
    showtime = make_showtime()
    [first] = await sell(app, new_id(), 7, showtime=showtime)
    rival = make_order(showtime, new_id(), 6, 7)
    async with sessions_of(app).begin() as session:
        session.add(rival)
        with pytest.raises(LiveTicketExists):
            await tickets.issue(session, rival, rival.held_seats)
        assert await session.scalar(select(func.count()).select_from(Ticket)) == 1
        await tickets.void(session, first.booking_id)
        assert len(await tickets.issue(session, rival, rival.held_seats)) == 2
    assert [event.seat for event in await published(app) if isinstance(event, TicketIssued)] == ["F7", "F6", "F7"]


async def test_of_ten_orders_for_one_seat_at_once_one_gets_the_ticket(app: FastAPI) -> None:
    showtime = make_showtime()

    async def buy(*numbers: int) -> None:
        await sell(app, new_id(), *numbers, showtime=showtime)

    await buy(1)
    results = await asyncio.gather(*(buy(7, 10 + rival) for rival in range(10)), return_exceptions=True)
    assert sum(result is None for result in results) == 1
    assert all(result is None or isinstance(result, LiveTicketExists) for result in results)


async def test_voiding_ends_the_named_seats_only_and_only_once(app: FastAPI) -> None:
    [first, second] = await sell(app, new_id(), 7, 8)
    async with sessions_of(app).begin() as session:
        ended = await tickets.void(session, first.booking_id, [first.seat_no])
        assert [ticket.label for ticket in ended] == ["F7"]
        assert await tickets.void(session, first.booking_id, [first.seat_no]) == []
        assert await tickets.void(session, first.booking_id, []) == []
        assert [ticket.label for ticket in await tickets.void(session, first.booking_id)] == ["F8"]
    async with sessions_of(app).begin() as session:
        found = [signed(session, ticket) for ticket in await session.scalars(select(Ticket).order_by(Ticket.seat_no))]
        assert [ticket.status for ticket in found] == [TicketStatus.VOID] * 2
        assert [ticket.code for ticket in found] == [first.code, second.code]
    voided = [event for event in await published(app) if isinstance(event, TicketVoided)]
    assert [(event.ticket_id, event.seat) for event in voided] == [(first.id, "F7"), (second.id, "F8")]


async def test_nothing_is_issued_for_no_seats(app: FastAPI) -> None:
    order = make_order(make_showtime(), new_id(), 7)
    async with sessions_of(app).begin() as session:
        assert await tickets.issue(session, order, []) == []
        assert await session.scalar(select(func.count()).select_from(Ticket)) == 0


async def test_the_owner_and_staff_see_a_ticket_as_the_contract_says(app: FastAPI) -> None:
    owner = new_id()
    [ticket] = await sell(app, owner, 7)
    for client in (caller(app, Role.customer, owner), caller(app, Role.staff)):
        answer = await client.get(f"/api/ticketing/tickets/{ticket.id}")
        assert answer.status_code == 200
        body = answer.json()
        assert body["seat"] == {"seat_no": 107, "label": "F7", "row": "F", "number": 7, "category": "premium"}
        assert body["price"] == {"amount": 1250, "currency": "EUR"}
        assert (body["id"], body["booking_id"]) == (str(ticket.id), str(ticket.booking_id))
        assert (body["status"], body["ticket_type"], body["code"]) == ("valid", "adult", ticket.code)


async def test_nobody_else_sees_a_ticket(app: FastAPI) -> None:
    [ticket] = await sell(app, new_id(), 7)

    async def refusal(role: Role | None, path: str) -> tuple[int, str]:
        answer = await caller(app, role).get(f"/api/ticketing/tickets/{path}")
        return answer.status_code, answer.json()["code"]

    for suffix in ("", ".svg", ".ics"):
        assert await refusal(Role.customer, f"{ticket.id}{suffix}") == (404, "ticket_not_found")
        assert await refusal(Role.staff, f"{new_id()}{suffix}") == (404, "ticket_not_found")
        assert await refusal(None, f"{ticket.id}{suffix}") == (401, "unauthenticated")
        assert await refusal(Role.customer, f"7{suffix}") == (422, "validation_error")
        assert await refusal(Role.customer, f"%00{suffix}") == (422, "validation_error")


async def test_the_qr_code_is_a_private_svg(app: FastAPI) -> None:
    owner = new_id()
    [ticket] = await sell(app, owner, 7)
    answer = await caller(app, Role.customer, owner).get(f"/api/ticketing/tickets/{ticket.id}.svg")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/svg+xml"
    assert answer.headers["cache-control"].startswith("private")
    assert answer.text.startswith("<svg")


async def test_the_calendar_entry_has_the_showtimes_newest_time(app: FastAPI) -> None:
    owner, showtime = new_id(), make_showtime(timedelta(days=2))
    [ticket] = await sell(app, owner, 7, showtime=showtime)
    moved = make_showtime(timedelta(days=3), id=showtime.id, version=2)
    async with sessions_of(app).begin() as session:
        await session.merge(moved)
    answer = await caller(app, Role.customer, owner).get(f"/api/ticketing/tickets/{ticket.id}.ics")
    assert answer.headers["content-type"].startswith("text/calendar")
    [entry] = icalendar.Calendar.from_ical(answer.text).events
    assert entry.start == moved.starts_at.astimezone(UTC).replace(microsecond=0)
    assert (entry["summary"], str(entry["location"])) == ("Die Büchse & Co", "Lichtburg, Saal 1, Essen")
    assert (entry["sequence"], entry["status"]) == (2, "CONFIRMED")
