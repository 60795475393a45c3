"""The seats' clock: what runs out is swept or taken over; silence of the bus does not count against anybody."""

import asyncio
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from services.reservations.commands.outages import beat
from services.reservations.commands.releases import release_expired
from services.reservations.office import Office
from services.reservations.tests.cinema import buyer, on_sale, replica, run_out, sql, started, sweep, tell, told
from services.shared.events import SeatsReleased

pytestmark = pytest.mark.asyncio(loop_scope="package")

HELD_UNTIL = "SELECT held_until FROM {} WHERE booking_id = :id"


async def test_the_seats_are_kept_for_the_grace_after_the_hold_has_expired(app: FastAPI) -> None:
    held = await buyer(app, await on_sale(app)).hold("A1")
    for table in ("claim", "hold", "slot"):
        grace = f"SELECT (h.held_until - hold.expires_at)::text FROM {table} h JOIN hold USING (booking_id)"
        assert await sql(app, f"{grace} WHERE h.booking_id = :id", id=held["booking_id"]) == [("00:01:30",)]


async def test_an_expired_hold_is_freed_within_seconds_and_ticketing_hears_of_it(app: FastAPI) -> None:
    customer = buyer(app, await on_sale(app))
    held = await customer.hold("A1", "A2")
    version = (await customer.map())["version"]
    await run_out(app, held)

    async with asyncio.timeout(5):
        while await customer.status(held) != "released":  # noqa: ASYNC110 - it is the service's own job that does it
            await asyncio.sleep(0.05)
    seat_map = await customer.map()
    assert (seat_map["held"], seat_map["version"]) == ([], version + 2)
    *_, last = await told(app, held)
    assert isinstance(last, SeatsReleased)
    assert last.reason == "grace"


async def test_the_customers_clock_alone_frees_nothing(app: FastAPI) -> None:
    customer = buyer(app, await on_sale(app))
    held = await customer.hold("A1")
    await sql(app, "UPDATE hold SET expires_at = now() - interval '5 s' WHERE booking_id = :id", id=held["booking_id"])
    await sweep(app)
    assert await customer.status(held) == "held"
    assert (await buyer(app, customer.showtime_id).refused("A1"))["code"] == "seats_taken"


async def test_a_lapsed_claim_is_taken_over_before_the_sweeper_comes_and_then_left_alone(app: FastAPI) -> None:
    showtime_id = await on_sale(app)
    first, second = buyer(app, showtime_id), buyer(app, showtime_id)
    held = await first.hold("A1", "A2")
    await run_out(app, held, table_names=["claim", "slot"])
    await second.hold("A2", "A3")
    await run_out(app, held)
    await sweep(app)
    assert await first.status(held) == "released"
    assert (await first.map())["held"] == [2, 3]


async def test_a_started_payment_is_taken_over_and_swept_only_while_the_bus_is_heard(app: FastAPI) -> None:
    showtime_id = await on_sale(app)
    async with replica(app, jobs=()) as other:
        office: Office = other.state.office
        first, second = buyer(other, showtime_id), buyer(other, showtime_id)
        paying, held = await first.hold("A1"), await first.hold("A3")
        await tell(app, started(paying))
        await run_out(app, paying, held, table_names=["claim"])
        office.reception.cut_off = True
        assert (await second.refused("A1"))["code"] == "seats_taken"
        await second.hold("A3")
        office.reception.cut_off = False
        await second.hold("A1")


async def test_a_sweeper_that_is_cut_off_leaves_started_payments_alone(app: FastAPI) -> None:
    showtime_id = await on_sale(app)
    customer = buyer(app, showtime_id)
    paying, held = await customer.hold("A1"), await customer.hold("A3")
    await tell(app, started(paying))
    async with app.state.sessions.begin() as session:
        for hold in (paying, held):
            past = "UPDATE hold SET held_until = now() - interval '1 s' WHERE booking_id = :id"
            await sql_in(session, past, id=hold["booking_id"])
        await release_expired(session, cut_off=True)
        statuses = await sql_in(session, "SELECT status FROM hold WHERE user_id = :id ORDER BY 1", id=customer.user_id)
    assert statuses == [("paying",), ("released",)]


async def test_an_outage_is_added_to_every_clock_that_ran_when_it_began(app: FastAPI) -> None:
    showtime_id = await on_sale(app)
    customer = buyer(app, showtime_id)
    old, young, over = await customer.hold("A1"), await customer.hold("A3"), await buyer(app, showtime_id).hold("A5")
    tables = ("claim", "hold", "slot")
    async with app.state.sessions.begin() as session:
        await sql_in(session, "UPDATE hold SET created_at = now() - interval '9 min'")
        later = "UPDATE hold SET created_at = now() - interval '30 s' WHERE booking_id = :id"
        await sql_in(session, later, id=young["booking_id"])
        for table in tables:
            lapsed = f"UPDATE {table} SET held_until = now() - interval '2 min' WHERE booking_id = :id"
            await sql_in(session, lapsed, id=over["booking_id"])
        before = await clocks(session, tables, old, young, over)
        await sql_in(session, "UPDATE heartbeat SET seen_at = now() - interval '60 s'")
        await beat(session)
        after = await clocks(session, tables, old, young, over)
        credited = [
            [(late - early).total_seconds() for early, late in zip(*rows, strict=True)]
            for rows in zip(before, after, strict=True)
        ]
        assert credited == [[60, 30, 0]] * 3
        assert await sql_in(session, "SELECT seen_at = now() FROM heartbeat") == [(True,)]
        assert await beat(session) == 0
        await session.rollback()


async def test_a_short_silence_is_no_outage(app: FastAPI) -> None:
    held = await buyer(app, await on_sale(app)).hold("A1")
    async with app.state.sessions.begin() as session:
        before = await clocks(session, ["hold"], held)
        await sql_in(session, "UPDATE heartbeat SET seen_at = now() - interval '4 s'")
        assert await beat(session) == 0
        assert await clocks(session, ["hold"], held) == before


async def clocks(session: Any, tables: Any, *holds: Any) -> list[list[Any]]:
    """`held_until` of each hold, table by table."""
    return [
        [(await sql_in(session, HELD_UNTIL.format(table), id=held["booking_id"]))[0][0] for held in holds]
        for table in tables
    ]


async def sql_in(session: Any, statement: str, **values: Any) -> list[tuple[Any, ...]]:
    result = await session.execute(text(statement), values)
    return [tuple(row) for row in result] if result.returns_rows else []
