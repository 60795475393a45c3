"""Halls and showtimes for the tests, as the other services would announce them, and people who want seats."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI
from sqlalchemy import text

from services.reservations.api import router
from services.reservations.commands.releases import release_expired
from services.reservations.handlers import HANDLERS
from services.reservations.jobs import JOBS
from services.reservations.layouts import Plan
from services.reservations.office import opened
from services.shared.app import create_app
from services.shared.auth import Role
from services.shared.events import (
    Event,
    Film,
    Hall,
    HallLayoutPublished,
    HeldSeat,
    LayoutSeat,
    OfBooking,
    PaymentAbandoned,
    PaymentStarted,
    PaymentSucceeded,
    Price,
    ShowtimeScheduled,
    Theater,
    TicketVoided,
)
from services.shared.ids import new_id
from services.shared.jobs import Job
from services.shared.testing import caller, deliver, environment, published, running

THEATER = Theater(id=new_id(), name="Gloria", city="Berlin", timezone="Europe/Berlin")
PRICES = {("standard", "adult"): 1200, ("standard", "child"): 800, ("premium", "adult"): 1500}


def seats(rows: int, per_row: int, aisles_after: Sequence[int] = (), **categories: str) -> list[LayoutSeat]:
    """Rows A, B, ... from the screen; an aisle is a seat wide; `A1="accessible"` names a seat's category."""
    return [
        LayoutSeat(
            seat_no=row * per_row + number,
            label=f"{chr(65 + row)}{number}",
            row=chr(65 + row),
            number=number,
            category=categories.get(f"{chr(65 + row)}{number}", "standard"),
            x=float(number + sum(number > aisle for aisle in aisles_after)),
            y=float(row),
        )
        for row in range(rows)
        for number in range(1, per_row + 1)
    ]


def plan(rows: int, per_row: int, aisles_after: Sequence[int] = (), **categories: str) -> Plan:
    return Plan(tuple(seats(rows, per_row, aisles_after, **categories)))


def scheduled(
    hall: Hall, capacity: int, prices: Mapping[tuple[str, str], int] = PRICES, **facts: Any
) -> ShowtimeScheduled:
    starts_at = facts.pop("starts_at", datetime.now(UTC) + timedelta(days=1))
    values: dict[str, Any] = {
        "showtime_id": new_id(),
        "film": Film(id=new_id(), title="The Test Reel", runtime_minutes=100, age_rating="6"),
        "theater": THEATER,
        "hall": hall,
        "capacity": capacity,
        "starts_at": starts_at,
        "ends_at": starts_at + timedelta(hours=2),
        "sales_close_at": starts_at,
        "format": "2d",
        "language": "en",
        "prices": [
            Price(category=category, ticket_type=kind, amount=amount, currency="EUR")
            for (category, kind), amount in prices.items()
        ],
        "single_seat_rule": False,
    }
    return ShowtimeScheduled(**(values | facts))


async def tell(app: FastAPI, *events: Event) -> None:
    await deliver(app, HANDLERS, *events)


async def on_sale(app: FastAPI, hall_seats: list[LayoutSeat] | None = None, **facts: Any) -> UUID:
    """A showtime that can be held; four rows of ten unless other seats are given."""
    hall_seats = hall_seats or seats(4, 10)
    hall = Hall(id=new_id(), name="One", layout_version=1)
    showtime = scheduled(hall, len(hall_seats), **facts)
    await tell(app, HallLayoutPublished(theater=THEATER, hall=hall, seats=hall_seats), showtime)
    return showtime.showtime_id


@dataclass
class Buyer:
    """Somebody with a token who wants seats of one showtime."""

    client: httpx.AsyncClient
    showtime_id: UUID
    user_id: UUID

    async def ask(
        self, *labels: str, ticket_type: str = "adult", key: str | None = None, **body: Any
    ) -> httpx.Response:
        wanted = {"seats": [{"label": label, "ticket_type": ticket_type} for label in labels]} if labels else {}
        headers = {"Idempotency-Key": key} if key else {}
        json = {"showtime_id": str(self.showtime_id), **wanted, **body}
        return await self.client.post("/api/reservations/holds", json=json, headers=headers)

    async def hold(self, *labels: str, **how: Any) -> Any:
        answer = await self.ask(*labels, **how)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def refused(self, *labels: str, **how: Any) -> Any:
        """The problem document of a refusal."""
        answer = await self.ask(*labels, **how)
        assert answer.is_client_error, answer.text
        return answer.json()

    async def best(self, count: int, ticket_type: str = "adult", **wish: Any) -> httpx.Response:
        return await self.ask(best_available={"count": count, "ticket_type": ticket_type, **wish})

    async def give_back(self, held: Any) -> httpx.Response:
        return await self.client.delete(f"/api/reservations/holds/{held['booking_id']}")

    async def map(self) -> Any:
        return (await self.client.get(f"/api/reservations/showtimes/{self.showtime_id}/seats")).json()

    async def status(self, held: Any) -> str:
        return str((await self.client.get(f"/api/reservations/holds/{held['booking_id']}")).json()["status"])


def buyer(app: FastAPI, showtime_id: UUID, role: Role = Role.customer) -> Buyer:
    user_id = new_id()
    return Buyer(caller(app, role, user_id), showtime_id, user_id)


def paid(held: Any, by: Buyer) -> PaymentSucceeded:
    """What ticketing says when the money for a hold is there."""
    frozen = [
        HeldSeat(
            **{**seat, "price": seat["price"]["amount"]}, currency="EUR", row=seat["label"][0], number=seat["label"][1:]
        )
        for seat in held["seats"]
    ]
    return PaymentSucceeded(
        booking_id=held["booking_id"],
        showtime_id=held["showtime_id"],
        user_id=by.user_id,
        amount=held["total"]["amount"],
        currency="EUR",
        method="card",
        seats=frozen,
    )


def started(held: Any) -> PaymentStarted:
    return PaymentStarted(booking_id=held["booking_id"], showtime_id=held["showtime_id"])


def abandoned(held: Any) -> PaymentAbandoned:
    return PaymentAbandoned(booking_id=held["booking_id"], showtime_id=held["showtime_id"], reason="deadline")


def voided(held: Any, seat_no: int, ticket_id: UUID | None = None) -> TicketVoided:
    ids = {"booking_id": held["booking_id"], "showtime_id": held["showtime_id"]}
    return TicketVoided(ticket_id=ticket_id or new_id(), seat_no=seat_no, seat=f"A{seat_no}", **ids)


def labels(held: Any) -> list[str]:
    return [seat["label"] for seat in held["seats"]]


async def told(app: FastAPI, held: Any) -> list[Event]:
    """What the others have been told of a booking, oldest first."""
    events = await published(app)
    return [event for event in events if isinstance(event, OfBooking) and str(event.booking_id) == held["booking_id"]]


def new_app(jobs: Sequence[Job] = JOBS) -> FastAPI:
    """An instance of the service beside the one that most tests share."""
    return create_app("reservations", router, HANDLERS, jobs=jobs, resources=opened)


@asynccontextmanager
async def replica(app: FastAPI, jobs: Sequence[Job] = JOBS, **settings: str) -> AsyncIterator[FastAPI]:
    """Another process's app on the same database, as far as one process can have it: its own pools and caches.

    `settings` are environment variables beside the database's.
    """
    other = new_app(jobs)
    async with AsyncExitStack() as stack:
        with environment({"MARQUEE_RESERVATIONS_DATABASE_URL": app.state.settings.database_url, **settings}):
            await stack.enter_async_context(running(other))
        yield other


async def sql(app: FastAPI, statement: str, **values: Any) -> list[tuple[Any, ...]]:
    """Straight into the database, where a test plays the clock."""
    async with app.state.sessions.begin() as session:
        result = await session.execute(text(statement), values)
        return [tuple(row) for row in result] if result.returns_rows else []


async def sweep(app: FastAPI) -> None:
    """What the job does each second."""
    async with app.state.sessions.begin() as session:
        await release_expired(session, cut_off=False)
        # The job itself may be at it, and has locked what was left out here: wait for it.
        due = "SELECT FROM hold WHERE status IN ('held', 'paying') AND held_until <= now() FOR UPDATE"
        await session.execute(text(due))


async def run_out(app: FastAPI, *holds: Any, table_names: Iterable[str] = ("claim", "hold", "slot")) -> None:
    """The seats' clock of these holds has run out a second ago."""
    for table in table_names:
        for held in holds:
            past = f"UPDATE {table} SET held_until = now() - interval '1 s'"
            await sql(app, f"{past} WHERE booking_id = :id AND held_until IS NOT NULL", id=held["booking_id"])
