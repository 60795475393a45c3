"""The auditor finds nothing in an honest cinema, and each planted corruption under its own name."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
import pytest
from fastapi import FastAPI
from sqlalchemy import select

from infra.local.testing import Database
from services.reservations.audit import AUDIT
from services.reservations.models import Ticket
from services.reservations.tests.cinema import Buyer, abandoned, buyer, new_app, on_sale, paid, started, tell, voided
from services.shared.audit import Auditor, AuditSweep
from services.shared.events import ShowtimeCancelled, TicketIssued
from services.shared.ids import new_id
from services.shared.jobs import Work
from services.shared.testing import environment, running

# Whatever is wrong between two steps of a test is wrong.
NO_DUST = {"MARQUEE_AUDIT_DUST_SECONDS": "0"}
NOBODY = new_id()
# Nobody listens to what this service says.
UNHEARD = "No event waits in the outbox"


class Audited:
    """A cinema and its auditor, and a superuser whom nothing stops."""

    def __init__(self, app: FastAPI, database: Database) -> None:
        self.app = app
        self.database = database
        self.auditor = Auditor("reservations", AUDIT)

    async def find(self, *, hears: bool = True) -> set[tuple[str, str]]:
        """Sweep; what was found, by invariant and subject."""
        beat = "now() + interval '1 min'" if hears else "now() - interval '1 min'"
        self.sql(f"INSERT INTO heartbeat VALUES (1, {beat}) ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at")
        await self.auditor.audit(Work(self.app.state.sessions, self.app.state))
        async with self.app.state.sessions.begin() as session:
            last = await session.get_one(AuditSweep, "reservations")
        heard = [one for one in last.checks if one.title != UNHEARD]
        return {(one.invariant, found.subject) for one in heard for found in one.violations}

    async def tickets(self, held: Any) -> dict[int, UUID]:
        """By seat number."""
        async with self.app.state.sessions.begin() as session:
            found = await session.scalars(select(Ticket).where(Ticket.booking_id == UUID(held["booking_id"])))
            return {ticket.seat_no: ticket.ticket_id for ticket in found}

    def sql(self, *statements: str) -> None:
        with psycopg.connect(self.database.dsn) as superuser:
            superuser.execute("SET search_path TO reservations; SET session_replication_role = replica")
            for statement in statements:
                superuser.execute(statement)


@pytest.fixture
async def audited(fresh_database: Database) -> AsyncIterator[Audited]:
    """No job runs: what a sweep finds has no time to mend itself."""
    app = new_app(jobs=())
    with environment(fresh_database.environment() | NO_DUST):
        async with running(app):
            yield Audited(app, fresh_database)


async def sell(audited: Audited, by: Buyer, *labels: str) -> Any:
    held = await by.hold(*labels)
    await tell(audited.app, started(held), paid(held, by), *(issued(held, seat, by) for seat in held["seats"]))
    return held


def issued(held: Any, seat: Any, by: Buyer) -> TicketIssued:
    return TicketIssued(
        booking_id=held["booking_id"],
        ticket_id=new_id(),
        user_id=by.user_id,
        holder_name="Ada Test",
        movie_id=new_id(),
        showtime_id=held["showtime_id"],
        starts_at=held["expires_at"],
        seat_no=seat["seat_no"],
        seat=seat["label"],
    )


async def test_a_cinema_after_sales_refunds_and_lapses_has_nothing_to_hide(audited: Audited) -> None:
    app = audited.app
    customer = buyer(app, await on_sale(app))
    await sell(audited, customer, "A1", "A2")
    back = await sell(audited, customer, "B1", "B2")
    tickets = await audited.tickets(back)
    await tell(app, voided(back, 11, tickets[11]))
    await sell(audited, buyer(app, customer.showtime_id), "B1")
    await customer.hold("C1")
    given_up = await customer.hold("C2")
    await tell(app, started(given_up), abandoned(given_up))
    assert await audited.find() == set()


@dataclass(frozen=True)
class Corruption:
    """`plant` and `mend` are SQL about the `{booking}` of A1 in `{showtime}`; `found` is by invariant and subject."""

    invariant: str
    plant: tuple[str, ...]
    mend: tuple[str, ...]
    subject: str = "{booking}"
    is_sold: bool = True


A1 = "showtime_id = '{showtime}' AND seat_no = 1"
CORRUPTIONS = {
    "a seat that is claimed twice": Corruption(
        "I1",
        (
            "ALTER TABLE claim DROP CONSTRAINT claim_pkey",
            "INSERT INTO claim (showtime_id, seat_no, status) VALUES ('{showtime}', 1, 4)",
        ),
        ("DELETE FROM claim WHERE status = 4", "UPDATE claim SET generation = generation + 1"),
        subject="{showtime}",
    ),
    "a sold seat without a ticket": Corruption(
        "I4",
        ("CREATE TABLE kept AS SELECT * FROM ticket", "DELETE FROM ticket"),
        ("INSERT INTO ticket SELECT * FROM kept",),
    ),
    "a ticket whose seat is free": Corruption(
        "I4",
        (f"UPDATE claim SET status = 0, booking_id = NULL, generation = 8 WHERE {A1}",),
        (f"UPDATE claim SET status = 3, booking_id = '{{booking}}', generation = 9 WHERE {A1}",),
    ),
    "a sold seat whose hold was let go": Corruption(
        "I4", ("UPDATE hold SET status = 'released'",), ("UPDATE hold SET status = 'sold'",)
    ),
    "a dead letter": Corruption(
        "I6",
        (
            "INSERT INTO parked (event_id, name, body, headers, attempts, next_at, error, fingerprint, dead_at)"
            " VALUES ('{booking}', 'SeatHeld', '', '{{}}', 9, now(), 'KeyError', 'KeyError at a.py:b', now())",
        ),
        ("DELETE FROM parked",),
    ),
    "a live hold whose seat was given away": Corruption(
        "I7",
        (f"UPDATE claim SET booking_id = '{NOBODY}' WHERE {A1}",),
        (f"UPDATE claim SET booking_id = '{{booking}}' WHERE {A1}",),
        is_sold=False,
    ),
    "a seat held for ever": Corruption(
        "I8",
        (f"UPDATE claim SET held_until = now() - interval '1 min' WHERE {A1}",),
        (f"UPDATE claim SET held_until = now() + interval '1 min' WHERE {A1}",),
        is_sold=False,
    ),
    "a map that goes back": Corruption(
        "I11",
        (f"UPDATE claim SET generation = generation - 1 WHERE {A1}",),
        (f"UPDATE claim SET generation = generation + 1 WHERE {A1}",),
        subject="{showtime}",
    ),
}


@pytest.mark.parametrize("name", CORRUPTIONS)
async def test_a_planted_corruption_is_found_under_its_name_until_it_is_mended(audited: Audited, name: str) -> None:
    corruption = CORRUPTIONS[name]
    customer = buyer(audited.app, await on_sale(audited.app))
    held = await (sell(audited, customer, "A1") if corruption.is_sold else customer.hold("A1"))
    assert await audited.find() == set()
    facts = {"booking": held["booking_id"], "showtime": held["showtime_id"]}
    audited.sql(*(statement.format(**facts) for statement in corruption.plant))
    assert await audited.find() == {(corruption.invariant, corruption.subject.format(**facts))}
    audited.sql(*(statement.format(**facts) for statement in corruption.mend))
    assert await audited.find() == set()


async def test_while_the_bus_is_away_nobody_is_accused_of_holding_seats_too_long(audited: Audited) -> None:
    customer = buyer(audited.app, await on_sale(audited.app))
    held = await customer.hold("A1")
    audited.sql("UPDATE claim SET held_until = now() - interval '1 min'")
    assert await audited.find(hears=False) == set()
    assert await audited.find() == {("I8", held["booking_id"])}


async def test_a_check_that_cannot_be_asked_is_a_violation_and_hides_no_other(audited: Audited) -> None:
    customer = buyer(audited.app, await on_sale(audited.app))
    held = await sell(audited, customer, "A1")
    audited.sql("DROP TABLE map_version", "UPDATE hold SET status = 'released'")
    assert await audited.find() == {("I11", "check"), ("I4", held["booking_id"])}


async def test_in_a_cancelled_showtime_nobody_asks_who_sits_where(audited: Audited) -> None:
    customer = buyer(audited.app, await on_sale(audited.app))
    held = await customer.hold("A1")
    await tell(audited.app, started(held), paid(held, customer))
    assert await audited.find() == {("I4", held["booking_id"])}
    await tell(audited.app, ShowtimeCancelled(showtime_id=customer.showtime_id, reason="The projector broke."))
    assert await audited.find() == set()
