"""A showtime, a customer and a paid order, as the events of the others would have left them here."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from fastapi import FastAPI
from sqlalchemy import update

from services.shared.db import Sessions
from services.shared.events import HeldSeat
from services.shared.ids import new_id
from services.ticketing.commands import tickets
from services.ticketing.models import Customer, Method, Order, OrderStatus, Showtime, ShowtimeStatus, Ticket
from services.ticketing.queries.tickets import signed

MOVIE = {"id": str(new_id()), "title": "Die Büchse & Co", "poster_url": None, "runtime_minutes": 100, "age_rating": "6"}
THEATER = {"id": str(new_id()), "name": "Lichtburg", "city": "Essen", "timezone": "Europe/Berlin"}
HALL = {"id": str(new_id()), "name": "Saal 1", "layout_version": 1}


def sessions_of(app: FastAPI) -> Sessions:
    sessions: Sessions = app.state.sessions
    return sessions


def held(number: int, price: int = 1250) -> HeldSeat:
    label = f"F{number}"
    return HeldSeat(
        seat_no=100 + number,
        label=label,
        row="F",
        number=number,
        category="premium",
        ticket_type="adult",
        price=price,
        currency="EUR",
    )


def make_showtime(starts_in: timedelta = timedelta(minutes=30), **changes: Any) -> Showtime:
    starts_at = datetime.now(UTC) + starts_in
    facts = {
        "id": new_id(),
        "version": 1,
        "movie": MOVIE,
        "theater": THEATER,
        "hall": HALL,
        "timezone": "Europe/Berlin",
        "starts_at": starts_at,
        "ends_at": starts_at + timedelta(minutes=110),
        "format": "2d",
        "language": "de",
    }
    return Showtime(**facts | changes)


def make_order(showtime: Showtime, user_id: UUID, *numbers: int, **changes: Any) -> Order:
    seats = [held(number) for number in numbers]
    total = sum(seat.price for seat in seats)
    facts = {
        "booking_id": new_id(),
        "user_id": user_id,
        "showtime_id": showtime.id,
        "status": OrderStatus.PAID,
        "seats": [seat.model_dump() for seat in seats],
        "movie": MOVIE,
        "showtime": {**showtime.shown, "status": ShowtimeStatus.SCHEDULED},
        "starts_at": showtime.starts_at,
        "subtotal": total,
        "discount": 0,
        "total": total,
        "method": Method.CARD,
        "paid": total,
        "paid_at": datetime(2026, 7, 1, 18, 5, tzinfo=UTC),
        "currency": "EUR",
        "expires_at": datetime(2026, 7, 1, 18, 14, tzinfo=UTC),
    }
    return Order(**facts | changes)


def make_customer(user_id: UUID, locale: str = "en") -> Customer:
    return Customer(user_id=user_id, email="ada@marquee.example", full_name="Ada Test", locale=locale, is_guest=False)


async def sell(app: FastAPI, user_id: UUID, *numbers: int, showtime: Showtime | None = None) -> list[Ticket]:
    """Tickets with their codes for seats of a showtime that is about to start."""
    on = showtime or make_showtime()
    order = make_order(on, user_id, *numbers)
    async with sessions_of(app).begin() as session:
        await session.merge(on)
        session.add(order)
        return [signed(session, ticket) for ticket in await tickets.issue(session, order, order.held_seats)]


async def reissue(app: FastAPI, ticket: Ticket) -> None:
    """As if the holder had asked for a new code."""
    async with sessions_of(app).begin() as session:
        await session.execute(update(Ticket).where(Ticket.id == ticket.id).values(serial=Ticket.serial + 1))
