"""A service is restored from a backup: what it was told since then it is told again, and nothing happens twice."""

import subprocess
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from infra.local.configuration import DATABASE
from infra.local.postgres import binary
from tests.conftest import world_of
from tests.money import net_by_booking
from tests.people import Customer, Manager, World, eventually
from tests.replaying import replay
from tests.stack import Stack

pytestmark = pytest.mark.timeout(180)

OTHERS = ("users", "theaters", "catalog", "ticketing")


@pytest.fixture
async def world(over_rabbitmq: Stack) -> AsyncIterator[World]:
    there = world_of(over_rabbitmq)
    yield there
    await there.close()


def dsn(stack: Stack) -> str:
    return make_conninfo(stack.postgres.dsn, dbname=DATABASE)


def back_up(stack: Stack, service: str, file: Path) -> None:
    run("pg_dump", "--format=custom", f"--schema={service}", f"--file={file}", dsn(stack))


def restore(stack: Stack, service: str, file: Path) -> None:
    with psycopg.connect(dsn(stack)) as connection:
        connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(service)))
    run("pg_restore", "--exit-on-error", f"--dbname={dsn(stack)}", file)


def run(program: str, *arguments: object) -> None:
    done = subprocess.run([binary(program), *map(str, arguments)], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


async def buy(customer: Customer, showtime_id: str, *labels: str) -> Any:
    held = await customer.hold(showtime_id, labels)
    await customer.order(held["booking_id"], wait=10)
    await customer.pay_by_card(held["booking_id"])
    return await customer.until(held["booking_id"], "issued")


async def give_back(customer: Customer, order: Any) -> None:
    await customer.post(f"/api/ticketing/orders/{order['booking_id']}/cancel", {"to": "card"}, 200)
    await customer.until(order["booking_id"], "refunded")


async def house(manager: Manager, showtime_id: str) -> dict[str, tuple[str, str | None]]:
    """Who sits where: status and name by seat, the free ones left out."""
    occupancy = await manager.get(f"/api/reservations/showtimes/{showtime_id}/occupancy")
    return {seat["label"]: (seat["status"], seat["name"]) for seat in occupancy["seats"] if seat["status"] != "free"}


def counts(stack: Stack) -> Any:
    """What must not grow by hearing the same again."""
    with psycopg.connect(dsn(stack)) as connection:
        return connection.execute(
            "SELECT (SELECT count(*) FROM ticketing.ticket), (SELECT count(*) FROM ticketing.ledger_entry),"
            " (SELECT count(*) FROM ticketing.refund), (SELECT count(*) FROM ticketing.mail),"
            " (SELECT sum(tickets_issued) FROM catalog.showtime), (SELECT count(*) FROM ticketing.wallet_entry)"
        ).fetchone()


async def settled(stack: Stack) -> None:
    """All that was said has been heard, and all that follows from it was done."""
    queues = ["ticketing.outbox", "ticketing.letter", "catalog.outbox", "reservations.outbox", "reservations.parked"]

    async def look() -> bool:
        with psycopg.connect(dsn(stack)) as connection:
            return all(connection.execute(f"SELECT FROM {queue}").fetchone() is None for queue in queues)

    await eventually(look, 30)


async def test_a_restored_service_is_told_again_what_it_has_forgotten_and_nothing_happens_twice(
    over_rabbitmq: Stack, world: World, tmp_path: Path
) -> None:
    stack, manager, customer = over_rabbitmq, world.manager(), await world.customer().register()
    hall = await manager.open_hall()
    before = await manager.schedule(hall["id"])
    kept, given_back = await buy(customer, before["id"], "C5", "C6"), await buy(customer, before["id"], "D5")
    held = await customer.hold(before["id"], ["G5"])
    back_up(stack, "reservations", tmp_path / "reservations.dump")
    backed_up_at = datetime.now(UTC)

    after = await manager.schedule(hall["id"], starts_at=(datetime.now(UTC) + timedelta(days=3)).isoformat())
    await give_back(customer, given_back)
    await buy(customer, before["id"], "E5")
    await customer.pay_by_card(held["booking_id"])
    await customer.until(held["booking_id"], "issued")
    await buy(customer, after["id"], "F5", "F6")
    seats = await house(manager, before["id"]), await house(manager, after["id"])
    assert [sorted(found) for found in seats] == [["C5", "C6", "E5", "G5"], ["F5", "F6"]]
    await settled(stack)
    known, charged = counts(stack), net_by_booking(await world.charges())

    stack.stop_workers("reservations")
    restore(stack, "reservations", tmp_path / "reservations.dump")
    stack.start_worker(stack.worker("reservations"))
    stack.wait_until_ready()
    assert sorted(await house(manager, before["id"])) == ["C5", "C6", "D5", "G5"]

    said = await replay(stack, backed_up_at - timedelta(minutes=1), *OTHERS)
    assert [line.partition(":")[0] for line in said.splitlines()] == list(OTHERS)

    async def all_is_known() -> bool:
        return (await house(manager, before["id"]), await house(manager, after["id"])) == seats

    await eventually(all_is_known, 30)
    await settled(stack)
    assert (counts(stack), net_by_booking(await world.charges())) == (known, charged)
    assert (await customer.order(kept["booking_id"]))["status"] == "issued"
    taken = await customer.try_hold(after["id"], ["F5"])
    assert (taken.status_code, taken.json()["code"]) == (409, "seats_taken")
