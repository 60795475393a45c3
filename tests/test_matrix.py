"""Every route, asked by everybody: a missing token is 401, a missing role 403, somebody else's object 404."""

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from services.gather import SERVICES, load
from services.shared.auth import Role
from services.users.api.resources import COOKIE
from tests.conftest import world_of
from tests.matrix import MATRIX, Actor, Row
from tests.people import FILM, PASSWORD, ByService, Customer, Manager, World
from tests.stack import Stack

CODES = {401: "unauthenticated", 403: "forbidden", 404: "_not_found"}
STAFF = {Actor.STAFF: Role.staff, Actor.MANAGER: Role.manager, Actor.ADMIN: Role.admin}


def routes() -> Iterator[str]:
    """Of all five OpenAPI documents, as in `GET /api/users/me`."""
    for service in SERVICES:
        for path, operations in load(service).openapi()["paths"].items():
            yield from (f"{method.upper()} {path}" for method in operations)


def rows_of(route: str) -> list[Row]:
    """A route may stand in the table several times, with words behind its path."""
    return [row for name, row in MATRIX.items() if " ".join(name.split(" ")[:2]) == route]


@dataclass
class Someone:
    client: httpx.AsyncClient
    email: str


@dataclass
class Cinema:
    """A cinema with an order of the owner's in it, and people of every kind."""

    world: World
    manager: Manager
    people: dict[Actor, Someone] = field(default_factory=dict)
    shared: dict[str, str] = field(default_factory=dict)
    days: Iterator[int] = field(default_factory=lambda: count(1))

    async def open(self) -> None:
        self.people = {actor: await self.person(actor) for actor in Actor}
        hall = await self.manager.open_hall()
        self.shared = {"hall_id": hall["id"], "theater_id": hall["theater_id"], "version": "1", "label": "A1"}
        self.shared["email"] = self.people[Actor.OWNER].email
        self.shared |= await self.session() | await self.movie() | await self.order() | {"promo_id": await self.promo()}

    async def person(self, actor: Actor) -> Someone:
        """Somebody new, who can sign in and whose role is in the users service as well."""
        email = f"{uuid4().hex}@people.example"
        client = httpx.AsyncClient(transport=ByService(self.world.urls), base_url="http://marquee.test", timeout=40)
        self.world.opened.append(client)
        if actor is Actor.FORGED:
            client.headers["Authorization"] = "Bearer eyJhbGciOiJub25lIn0.e30."
        elif actor is Actor.GUEST:
            sign_in(client, await client.post("/api/users/guest", json={"email": email, "full_name": "Guest"}))
        elif actor is not Actor.ANONYMOUS:
            await self.sign_up(client, email, STAFF.get(actor))
        return Someone(client, email)

    async def sign_up(self, client: httpx.AsyncClient, email: str, role: Role | None) -> None:
        account = {"email": email, "password": PASSWORD}
        user = (await client.post("/api/users/register", json={**account, "full_name": "Test Person"})).json()
        if role:
            admin = self.world.client(Role.admin)
            (await admin.patch(f"/api/users/{user['id']}", json={"role": role.name})).raise_for_status()
        sign_in(client, await client.post("/api/users/login", json=account))

    @property
    def owner(self) -> Customer:
        return Customer(self.people[Actor.OWNER].client, self.world.outside())

    async def theater(self) -> dict[str, str]:
        return {"theater_id": (await self.manager.open_hall())["theater_id"]}

    async def movie(self) -> dict[str, str]:
        return {"movie_id": (await self.manager.post("/api/catalog/movies", FILM))["id"]}

    async def showtime(self) -> dict[str, str]:
        start = datetime.now(UTC).replace(microsecond=0) + timedelta(days=next(self.days))
        made = await self.manager.schedule(self.shared["hall_id"], starts_at=start.isoformat())
        return {"showtime_id": made["id"]}

    async def hold(self) -> dict[str, str]:
        showtime = await self.showtime()
        held = await self.owner.hold(showtime["showtime_id"], ["B1", "B2"])
        await self.owner.order(held["booking_id"], wait=5)
        return {**showtime, "booking_id": held["booking_id"]}

    async def order(self) -> dict[str, str]:
        """With tickets."""
        held = await self.hold()
        await self.owner.pay_by_card(held["booking_id"])
        order = await self.owner.until(held["booking_id"], "issued")
        return {**held, "ticket_id": order["tickets"][0]["id"]}

    async def promo(self) -> str:
        body = {"code": uuid4().hex[:12], "percent_off": 10}
        return str((await self.manager.post("/api/ticketing/promo-codes", body))["id"])

    async def user(self) -> dict[str, str]:
        client = (await self.person(Actor.OTHER)).client
        return {"id": (await client.get("/api/users/me")).json()["id"]}

    async def session(self) -> dict[str, str]:
        """Another one of the owner's."""
        owner = self.people[Actor.OWNER]
        elsewhere = httpx.AsyncClient(transport=ByService(self.world.urls), base_url="http://marquee.test")
        self.world.opened.append(elsewhere)
        await elsewhere.post("/api/users/login", json={"email": owner.email, "password": PASSWORD})
        found = (await owner.client.get("/api/users/me/sessions")).json()["items"]
        return {"id": next(each["id"] for each in found if not each["current"])}

    async def ask(self, actor: Actor, route: str, row: Row) -> httpx.Response:
        """The answer to the row's request; of a stream only its head."""
        someone = await self.person(actor) if row.anew else self.people[actor]
        values = dict(self.shared)
        for name in row.fresh if actor not in row.denied else ():
            values |= await getattr(self, name)()
        method, path = route.split()
        body = row.content if row.body is None else fill(json.dumps(row.body), values).encode()
        headers = {"Content-Type": "application/json", **row.headers} if body else row.headers
        request = someone.client.build_request(
            method, fill(path, values), content=body, headers=headers, params=row.params
        )
        answer = await someone.client.send(request, stream=True)
        if answer.headers.get("content-type", "").startswith("text/event-stream"):
            await answer.aclose()
        else:
            await answer.aread()
        return answer


def sign_in(client: httpx.AsyncClient, answer: httpx.Response) -> None:
    """The cookie by hand: it came from the service's own address, not from the one that the client knows."""
    client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    client.cookies.set(COOKIE, answer.cookies[COOKIE], domain="marquee.test")


def fill(text: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)
    return text


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cinema(in_process: Stack) -> AsyncIterator[Cinema]:
    world = world_of(in_process)
    there = Cinema(world, world.manager())
    await there.open()
    yield there
    await world.close()


def fits(answer: httpx.Response, actor: Actor, row: Row) -> bool:
    if actor not in row.denied:
        return answer.status_code in row.good
    status = row.denied[actor]
    code = str(answer.json()["code"])
    return answer.status_code == status and (code == row.says or code.endswith(CODES[status]))


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("route", sorted(routes()))
async def test_each_route_answers_everybody_as_it_must(cinema: Cinema, route: str) -> None:
    assert rows_of(route), "say in tests/matrix.py who may do this"
    for row in rows_of(route):
        answers = {actor: await cinema.ask(actor, route, row) for actor in Actor}
        wrong = {actor: answer for actor, answer in answers.items() if not fits(answer, actor, row)}
        said: dict[str, Any] = {
            actor: f"{each.status_code} {each.text[:200]}" for actor, each in wrong.items() if each.is_closed
        }
        assert not wrong, said


def test_the_matrix_has_no_route_that_is_not_there() -> None:
    known = set(routes())
    assert {" ".join(name.split(" ")[:2]) for name in MATRIX} <= known
