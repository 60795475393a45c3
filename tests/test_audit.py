"""The auditor of a whole stack: quiet once the dust of trouble has settled, and loud when something is wrong."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest

from tests.audits import OFTEN, audited, look
from tests.conftest import ONE_EACH, world_of
from tests.money import FINAL
from tests.people import Unexpected, World, eventually
from tests.stack import Stack, running_stack

pytestmark = pytest.mark.timeout(180)

BOOKINGS = 40
SIDE_BY_SIDE = 10
# With a provider in trouble and a hold of seconds; nobody tries twice here.
GIVE_UP = ("service_unavailable", "order_expired", "order_in_progress", "order_not_found")
ROWS = "ABCDEFGHJK"
CARDS = ("pm_card_visa", "pm_card_visa", "pm_card_chargeDeclined", "pm_card_slow")
SHORT_HOLDS = {"MARQUEE_HOLD_MINUTES": "0.15", "MARQUEE_GRACE_SECONDS": "3"}
TROUBLE = {"seed": 7, "duplicate": 0.2, "reorder": 0.2, "drop_first": 1, "error_after_acting": 0.1, "rate_limit": 0.1}


@pytest.fixture(scope="module")
def split(broker_url: str, prepared: Path) -> Iterator[Stack]:
    """Each service by itself, so that their words take a while to reach one another."""
    settings = OFTEN | SHORT_HOLDS
    with running_stack(layout=ONE_EACH, bus_url=broker_url, prepared=prepared, settings=settings) as stack:
        yield stack


@pytest.fixture
async def there(split: Stack) -> AsyncIterator[World]:
    world = world_of(split)
    yield world
    await world.close()


async def buy(world: World, showtime_id: str, number: int) -> None:
    """One of the ways that a booking may go: left alone, declined, slow, bought, given back, half of it given back."""
    customer = world.customer()
    seats = [f"{ROWS[number // 4]}{1 + 3 * (number % 4) + beside}" for beside in (0, 1)]
    booking_id = (await customer.hold(showtime_id, seats))["booking_id"]
    if number % 7 == 0:
        return
    try:
        await customer.pay_by_card(booking_id, CARDS[number % len(CARDS)])
        order = await customer.until(booking_id, *FINAL, seconds=40)
    except Unexpected as answer:
        if not any(code in str(answer) for code in GIVE_UP):
            raise
        return
    if order["status"] == "issued" and number % 3 == 0:
        part = {"seats": seats[:1]} if number % 2 else {}
        await customer.post(f"/api/ticketing/orders/{booking_id}/cancel", part, 200)


async def test_after_bookings_of_all_kinds_in_trouble_of_all_kinds_nothing_is_wrong(there: World) -> None:
    manager = there.manager()
    showtime = await manager.schedule((await manager.open_hall())["id"])
    await there.customer().hold(showtime["id"], ["K13", "K14"])
    assert (await there.outside().post("trouble", json=TROUBLE)).is_success
    queue = asyncio.Semaphore(SIDE_BY_SIDE)

    async def one(number: int) -> None:
        async with queue:
            await buy(there, showtime["id"], number)

    await asyncio.gather(*(one(number) for number in range(BOOKINGS)))
    assert (await there.outside().post("trouble", json={})).is_success
    report = await audited(there, seconds=60)
    assert [one["invariant"] for one in report["invariants"] if not one["asked"]] == []


async def test_what_is_planted_anywhere_shows_in_the_report_the_metrics_and_the_command(
    split: Stack, there: World
) -> None:
    manager, customer = there.manager(), there.customer()
    showtime = await manager.schedule((await manager.open_hall())["id"])
    held = await customer.hold(showtime["id"], ["C5", "C6"])
    await customer.pay_by_card(held["booking_id"])
    await customer.until(held["booking_id"], "issued")
    await audited(there)
    assert command(split).returncode == 0

    ticket = (
        f"reservations.ticket WHERE booking_id = '{held['booking_id']}' AND seat_no = {held['seats'][0]['seat_no']}"
    )
    with psycopg.connect(split.postgres.dsn, dbname="app") as superuser:
        superuser.execute(f"CREATE TABLE kept AS SELECT * FROM {ticket}")
        superuser.execute(f"DELETE FROM {ticket}")

    async def found() -> list[str]:
        invariants = (await look(manager))["invariants"]
        return [f"{one['invariant']} {it['service']} {it['subject']}" for one in invariants for it in one["violations"]]

    assert await eventually(found) == [f"I4 reservations {held['booking_id']}"]
    result = command(split)
    assert result.returncode == 1
    (wrong,) = [line for line in result.stdout.splitlines() if "WRONG" in line]
    assert wrong.startswith("reservations: I4   WRONG")
    assert held["booking_id"] in wrong

    url = f"{split.worker('reservations').url}/metrics"

    async def measured() -> bool:
        metrics = (await there.outside().get(url)).text
        return 'marquee_audit_violations{invariant="I4",service="reservations"} 1.0' in metrics

    await eventually(measured)
    with psycopg.connect(split.postgres.dsn, dbname="app") as superuser:
        superuser.execute("INSERT INTO reservations.ticket SELECT * FROM kept")
    await audited(there)


def command(stack: Stack) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "services", "audit"]
    return subprocess.run(argv, env=stack.environment(), capture_output=True, text=True, check=False)
