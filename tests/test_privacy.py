"""What is stored about a person, the person can see; and when they go, no table keeps more of them than an id."""

import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from infra.local.configuration import DATABASE
from infra.postgres.roles import SERVICES
from tests.conftest import world_of
from tests.people import PASSWORD, Customer, World, eventually
from tests.replaying import replay
from tests.stack import Stack
from tests.test_journey import read_mail

# The column of each table with a `user_id` whose values the service's export shows.
EXPORTED = {
    "users.session": "id",
    "users.one_time_token": "purpose",
    "users.guest_ticket": "ticket_id",
    "catalog.visit": "ticket_id",
    "catalog.rating": "movie_id",
    "catalog.wish": "movie_id",
    "reservations.hold": "booking_id",
    "reservations.ticket": "ticket_id",
    "ticketing.customer": "email",
    "ticketing.orders": "booking_id",
    "ticketing.ticket": "id",
    "ticketing.promo_use": "booking_id",
    "ticketing.topup": "id",
    "ticketing.wallet": "balance",
    "ticketing.wallet_entry": "id",
}
# What an export need not show: work of the staff, what is on its way for some hours, and who is to be forgotten.
NOT_EXPORTED = {"staff_action", "mail", "idempotency", "slot", "erased", "erased_user"}


@pytest.fixture
async def world(in_process: Stack) -> AsyncIterator[World]:
    there = world_of(in_process)
    yield there
    await there.close()


def connect(stack: Stack) -> psycopg.Connection[Any]:
    """As the superuser, who sees all schemas."""
    return psycopg.connect(make_conninfo(stack.postgres.dsn, dbname=DATABASE), autocommit=True)


def columns(stack: Stack, name: str = "%") -> list[tuple[str, str, str, str]]:
    """Schema, table, column and type of everything that is stored, or of the columns called `name`."""
    listed = (
        "SELECT n.nspname, c.relname, a.attname, a.atttypid::regtype::text FROM pg_attribute a"
        " JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped AND n.nspname = ANY(%s) AND a.attname LIKE %s"
    )
    with connect(stack) as connection:
        return connection.execute(listed, [list(SERVICES), name]).fetchall()


def places(stack: Stack, needle: str) -> list[str]:
    """The columns in which this text stands, bytes included."""
    found = []
    with connect(stack) as connection:
        for schema, table, column, type_ in columns(stack):
            text = sql.SQL("encode({}, 'escape')" if type_ == "bytea" else "{}::text").format(sql.Identifier(column))
            look = sql.SQL("SELECT EXISTS (SELECT FROM {} WHERE {} ILIKE %s)")
            statement = look.format(sql.Identifier(schema, table), text)
            if connection.execute(statement, [f"%{needle}%"]).fetchone() == (True,):
                found.append(f"{schema}.{table}.{column}")
    return found


class Zenobia:
    """A customer whose name and addresses are like nobody else's, and what she has done."""

    def __init__(self, customer: Customer) -> None:
        self.customer = customer
        self.mark = f"q{secrets.token_hex(6)}"
        self.id = ""
        self.ticket: Any = None
        self.unpaid = ""

    async def register(self) -> None:
        email = f"zenobia.{self.mark}@people.example"
        await self.customer.post(
            "/api/users/register", {"email": email, "password": PASSWORD, "full_name": f"Zenobia {self.mark}"}
        )
        mail = await read_mail(self.customer, email, "verify")
        token = mail["text"].partition("token=")[2].split()[0]
        await self.customer.post("/api/users/verify-email", {"token": token}, 204)
        answer = await self.customer.post("/api/users/login", {"email": email, "password": PASSWORD}, 200)
        self.id = answer["user"]["id"]
        self.customer.client.headers["Authorization"] = f"Bearer {answer['access_token']}"

    async def live(self, world: World, stack: Stack) -> None:
        """Orders, issued, given back and unpaid; coins; a watchlist and stars; another name and address."""
        manager = world.manager()
        hall = await manager.open_hall()
        soon = datetime.now(UTC) + timedelta(minutes=40)
        showtime = await manager.schedule(hall["id"], starts_at=soon.isoformat())
        later = await manager.schedule(hall["id"])
        self.ticket = (await self.buy(showtime["id"], "C5"))["tickets"][0]
        given_back = await self.buy(later["id"], "C5")
        path = f"/api/ticketing/orders/{given_back['booking_id']}/cancel"
        await self.customer.post(path, {"to": "coins"}, 200)
        self.unpaid = (await self.customer.hold(later["id"], ["D5"]))["booking_id"]
        await self.customer.order(self.unpaid, wait=10)
        await self.customer.post("/api/ticketing/wallet/topup", {"amount": 1000}, 200)
        await self.rate(stack, showtime)
        profile = {"full_name": f"Zenobia Moved {self.mark}", "email": f"moved.{self.mark}@people.example"}
        await self.customer.call("PATCH", "/api/users/me", json=profile)

    async def buy(self, showtime_id: str, label: str) -> Any:
        held = await self.customer.hold(showtime_id, [label])
        await self.customer.order(held["booking_id"], wait=10)
        await self.customer.pay_by_card(held["booking_id"])
        return await self.customer.until(held["booking_id"], "issued")

    async def rate(self, stack: Stack, showtime: Any) -> None:
        """A film that has begun, as catalog sees it."""
        movie = f"/api/catalog/movies/{showtime['movie']['id']}"
        await self.customer.call("PUT", f"{movie}/watchlist", 204)
        with connect(stack) as connection:
            connection.execute("UPDATE catalog.showtime SET starts_at = now() WHERE id = %s", [showtime["id"]])

        async def rated() -> bool:
            return (await self.customer.client.put(f"{movie}/rating", json={"stars": 5})).is_success

        await eventually(rated)


@pytest.fixture
async def zenobia(in_process: Stack, world: World) -> Zenobia:
    person = Zenobia(world.customer(role=None))
    await person.register()
    await person.live(world, in_process)
    return person


async def settled(stack: Stack) -> None:
    """All that was published has been heard."""

    async def look() -> bool:
        with connect(stack) as connection:
            left = [
                connection.execute(
                    sql.SQL("SELECT EXISTS (SELECT FROM {}) OR EXISTS (SELECT FROM {} WHERE dead_at IS NULL)").format(
                        sql.Identifier(service, "outbox"), sql.Identifier(service, "parked")
                    )
                ).fetchone()
                for service in SERVICES
            ]
        return left == [(False,)] * len(left)

    await eventually(look, 30)


async def test_whoever_asks_is_shown_everything_that_is_stored_about_them(in_process: Stack, zenobia: Zenobia) -> None:
    await settled(in_process)
    exports = (await zenobia.customer.get("/api/users/me/export"))["exports"]
    assert sorted(exports) == sorted(f"/api/{service}/me/export" for service in SERVICES)
    shown = {path.split("/")[2]: (await zenobia.customer.client.get(path)).text for path in exports}
    missing, empty = [], []
    with connect(in_process) as connection:
        for schema, table, *_ in columns(in_process, "user_id"):
            if table in NOT_EXPORTED:
                continue
            stored = sql.SQL("SELECT {}::text FROM {} WHERE user_id = %s").format(
                sql.Identifier(EXPORTED[f"{schema}.{table}"]), sql.Identifier(schema, table)
            )
            values = [value for (value,) in connection.execute(stored, [zenobia.id])]
            missing += [(table, value) for value in values if value not in shown[schema]]
            empty += [] if values else [f"{schema}.{table}"]
    assert missing == []
    assert empty == ["users.guest_ticket", "ticketing.promo_use"]
    assert zenobia.mark in shown["users"]
    assert zenobia.mark in shown["ticketing"]


async def test_whoever_goes_leaves_an_id_and_a_ticket_that_still_opens_the_door(
    in_process: Stack, world: World, zenobia: Zenobia
) -> None:
    await settled(in_process)
    assert len(places(in_process, zenobia.mark)) > 3
    await zenobia.customer.call("DELETE", "/api/users/me", 204)
    await settled(in_process)
    assert places(in_process, zenobia.mark) == []
    await replay(in_process, datetime.now(UTC) - timedelta(hours=1))
    await settled(in_process)
    assert places(in_process, zenobia.mark) == []

    door = {"code": zenobia.ticket["code"], "gate": "1"}
    scanned = await world.staff().post("/api/ticketing/checkins", door, 200)
    assert scanned["result"] == "admitted"
    assert (await zenobia.customer.client.get("/api/users/me")).status_code == 401
    order = await world.manager().get(f"/api/ticketing/orders/{zenobia.unpaid}")
    assert order["status"] in ("cancelled", "awaiting_payment")


async def test_users_hears_of_a_guests_ticket_which_tells_until_when_the_guest_is_kept(world: World) -> None:
    manager = world.manager()
    showtime = await manager.schedule((await manager.open_hall())["id"])
    guest = Zenobia(world.customer(role=None))
    body = {"email": f"{guest.mark}@people.example", "full_name": f"Guest {guest.mark}"}
    answer = await guest.customer.post("/api/users/guest", body)
    guest.customer.client.headers["Authorization"] = f"Bearer {answer['access_token']}"
    [ticket] = (await guest.buy(showtime["id"], "C5"))["tickets"]

    async def heard() -> list[Any]:
        export = await guest.customer.get("/api/users/me/export")
        return [kept["ticket_id"] for kept in export["guest_tickets"]]

    assert await eventually(heard) == [ticket["id"]]
