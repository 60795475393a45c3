"""Negative controls: each guard of the claim statements is taken away alone, and what it guards is then seen to break.

The primary key and the pre-check under load: tests/test_storm.py.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from fastapi import FastAPI

from infra.local.testing import Database
from services.reservations import seats
from services.reservations.tests.cinema import (
    THEATER,
    abandoned,
    buyer,
    new_app,
    on_sale,
    paid,
    run_out,
    scheduled,
    sql,
    tell,
)
from services.reservations.tests.cinema import seats as hall_seats
from services.shared.auth import Role
from services.shared.events import Hall, HallLayoutPublished
from services.shared.ids import new_id
from services.shared.testing import environment, running

pytestmark = pytest.mark.asyncio(loop_scope="package")

Story = Callable[[FastAPI], Awaitable[None]]
ALL_OR_NOTHING = "ALTER TABLE hold {} CONSTRAINT hold_all_or_nothing_check"


async def what_is_sold_is_sold_to_nobody_else(app: FastAPI) -> None:
    showtime_id = await on_sale(app)
    first, second = buyer(app, showtime_id), buyer(app, showtime_id)
    await tell(app, paid(await first.hold("A1"), first))
    assert (await second.ask("A1")).status_code == 409
    assert (await first.map())["sold"] == [1]


async def a_new_price_is_asked_for_as_soon_as_it_is_known(app: FastAPI) -> None:
    customer = buyer(app, await on_sale(app))
    await customer.hold("A1")
    dearer = "UPDATE showtime SET version = 2, prices = jsonb_set(prices, '{0,amount}', '9900') WHERE id = :id"
    await sql(app, dearer, id=customer.showtime_id)
    assert (await customer.hold("A3"))["total"]["amount"] == 9900


async def an_abandoned_booking_frees_no_seat_of_another(app: FastAPI) -> None:
    showtime_id = await on_sale(app)
    first, second = buyer(app, showtime_id), buyer(app, showtime_id)
    held = await first.hold("A1", "A2")
    await run_out(app, held, table_names=["claim"])
    await second.hold("A2")
    await tell(app, abandoned(held))
    assert (await second.map())["held"] == [2]


async def late_money_takes_no_seat_that_another_holds(app: FastAPI) -> None:
    showtime_id = await on_sale(app)
    first, second = buyer(app, showtime_id), buyer(app, showtime_id)
    held = await first.hold("A1", "A2")
    await run_out(app, held, table_names=["claim"])
    await second.hold("A2")
    await tell(app, paid(held, first))
    assert (await second.map())["held"] == [2]


async def late_money_takes_no_seat_that_another_has_bought(app: FastAPI) -> None:
    showtime_id = await on_sale(app)
    first, second = buyer(app, showtime_id), buyer(app, showtime_id)
    held = await first.hold("A1")
    await run_out(app, held, table_names=["claim"])
    await tell(app, paid(await second.hold("A1"), second), paid(held, first))
    assert len((await second.map())["sold"]) == 2


async def a_broken_seat_is_not_sold_again_when_its_hold_lapses(app: FastAPI) -> None:
    hall = Hall(id=new_id(), name="One", layout_version=1)
    layout = HallLayoutPublished(theater=THEATER, hall=hall, seats=hall_seats(1, 4))
    showtime = scheduled(hall, 4)
    await tell(app, layout, showtime)
    first, second = buyer(app, showtime.showtime_id), buyer(app, showtime.showtime_id)
    held = await first.hold("A1")
    broken = [seat.model_copy(update={"features": ["out_of_service"]}) for seat in layout.seats]
    newer = hall.model_copy(update={"layout_version": 2})
    await tell(app, HallLayoutPublished(theater=THEATER, hall=newer, seats=broken, version=2))
    await run_out(app, held, table_names=["claim"])
    assert (await second.ask("A1")).status_code == 409


async def nobody_gets_a_part_of_the_seats_they_asked_for(app: FastAPI) -> None:
    """Staff, who have no slots: a customer's would be a guard as well."""
    showtime_id = await on_sale(app)
    first, second = buyer(app, showtime_id), buyer(app, showtime_id, Role.staff)
    await first.hold("A1")
    assert (await second.ask("A1", "A2")).status_code == 409
    assert (await first.map())["held"] == [1]


@dataclass(frozen=True)
class Guard:
    """What stands in a statement, and what stands there instead when it is taken away."""

    story: Story
    statement: str
    text: str
    instead: str = ""

    def gone(self) -> str:
        whole = str(getattr(seats, self.statement))
        assert self.text in whole
        return whole.replace(self.text, self.instead)


MINE = "claim.booking_id = excluded.booking_id AND claim.status IN (1, 2)"
PRE_CHECK = f"""AND NOT EXISTS (
        SELECT FROM claim
        WHERE showtime_id = %(showtime_id)s AND seat_no = ANY(%(seats)s::int[]) AND NOT {seats.OPEN})"""
GUARDS = {
    "a sold claim is not open": Guard(
        what_is_sold_is_sold_to_nobody_else, "HOLD", seats.OPEN, f"({seats.OPEN} OR claim.status = 3)"
    ),
    "the showtime's version": Guard(
        a_new_price_is_asked_for_as_soon_as_it_is_known, "HOLD", "AND version = %(version)s"
    ),
    "the fence of what is freed": Guard(
        an_abandoned_booking_frees_no_seat_of_another, "FREE", "(showtime_id, seat_no, booking_id)\n    WHERE",
        "(showtime_id, seat_no)\n    WHERE",
    ),
    "the fence of what is sold": Guard(
        late_money_takes_no_seat_that_another_holds, "SELL", MINE, "claim.status IN (1, 2)"
    ),
    "what is sold once": Guard(
        late_money_takes_no_seat_that_another_has_bought, "SELL", f"WHERE {seats.OPEN} OR {MINE}"
    ),
    "out of service": Guard(
        a_broken_seat_is_not_sold_again_when_its_hold_lapses, "HOLD", "NOT claim.out_of_service AND"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", GUARDS)
async def test_each_story_ends_well_with_its_guard_and_ill_without_it(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    guard = GUARDS[name]
    await guard.story(app)
    monkeypatch.setattr(seats, guard.statement, guard.gone())
    with pytest.raises(AssertionError):
        await guard.story(app)


@pytest_asyncio.fixture
async def own(fresh_database: Database) -> AsyncIterator[FastAPI]:
    """A service on a database of its own, whose tables may be changed."""
    app = new_app(jobs=())
    with environment(fresh_database.environment()):
        async with running(app):
            yield app


async def test_all_or_nothing_is_guarded_twice_and_breaks_only_without_both(
    own: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = "CHECK (claimed = wanted)"
    story: Any = nobody_gets_a_part_of_the_seats_they_asked_for
    await sql(own, ALL_OR_NOTHING.format("DROP"))
    await story(own)
    await sql(own, f"{ALL_OR_NOTHING.format('ADD')} {check}")
    assert PRE_CHECK in seats.HOLD
    monkeypatch.setattr(seats, "HOLD", seats.HOLD.replace(PRE_CHECK, ""))
    await story(own)
    await sql(own, ALL_OR_NOTHING.format("DROP"))
    with pytest.raises(AssertionError):
        await story(own)
