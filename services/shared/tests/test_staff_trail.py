"""What staff change leaves a row that nobody can change, in the transaction of its effect."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, Body
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.shared.app import create_app
from services.shared.auth import CurrentUser, Role, Staff
from services.shared.db import Session, Transactions
from services.shared.errors import DomainError
from services.shared.idempotency import Idempotent
from services.shared.ids import new_id
from services.shared.testing import caller, running

TRAIL = "/api/theaters/staff-actions"


class Refused(DomainError):
    pass


class Wish(BaseModel):
    """`refuse` after the transaction of that number, the first of which only looks; `note` is anything."""

    refuse: int = 0
    note: Any = None
    password: str = ""


router = APIRouter()
repeatable = APIRouter(route_class=Idempotent)


@router.get("/{name}")
async def by_name(name: str) -> str:
    return name


@router.post("/halls/{hall}")
async def in_a_session(session: Session, _: CurrentUser, hall: int, wish: Wish) -> None:
    await write(session, hall)
    if wish.refuse:
        raise Refused


@router.post("/screens/{hall}")
async def in_transactions(transactions: Transactions, _: Staff, hall: int, wish: Wish) -> None:
    for number in (1, 2, 3):
        async with transactions.begin() as session:
            if number == 1:
                await session.execute(text("SELECT FROM effect"))
            else:
                await write(session, hall)
        if wish.refuse == number:
            raise Refused


@router.post("/foyers/{hall}")
async def in_both(session: Session, transactions: Transactions, _: Staff, hall: int) -> None:
    async with transactions.begin() as first:
        await write(first, hall)
    await write(session, hall)


@router.post("/doors/{hall}")
async def around(_: CurrentUser, hall: int, refuse: Annotated[bool, Body(embed=True)]) -> None:
    if refuse:
        raise Refused


@router.put("/posters/{hall}")
async def stream(session: Session, _: Staff, hall: int) -> None:
    await write(session, hall)


@router.post("/me/password")
async def own_account(session: Session, _: CurrentUser) -> None:
    await write(session, 1)


@router.post("/checkins")
async def at_the_door(session: Session, _: Staff) -> None:
    await write(session, 1)


@repeatable.post("/sales/{hall}")
async def once_in_a_session(session: Session, _: CurrentUser, hall: int) -> None:
    await write(session, hall)


@repeatable.post("/payments/{hall}")
async def once_in_transactions(transactions: Transactions, _: CurrentUser, hall: int) -> None:
    async with transactions.begin() as session:
        await write(session, hall)


async def write(session: Any, hall: int) -> None:
    await session.execute(text("INSERT INTO effect VALUES (:hall)"), {"hall": hall})


router.include_router(repeatable)
app = create_app("theaters", router, {})


@pytest.fixture(autouse=True)
async def theaters(fresh_database: object) -> AsyncIterator[None]:
    async with running(app):
        await sql("CREATE TABLE effect (hall int)")
        yield


async def sql(statement: str) -> list[Any]:
    async with app.state.sessions.begin() as session:
        result = await session.execute(text(statement))
        return list(result.all()) if result.returns_rows else []


async def trail(**params: Any) -> list[dict[str, Any]]:
    async with caller(app, Role.admin) as admin:
        answer = await admin.get(TRAIL, params=params)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def post(path: str, body: Any = None, role: Role = Role.manager, **options: Any) -> httpx.Response:
    async with caller(app, role, options.pop("user_id", None)) as client:
        return await client.post(f"/api/theaters{path}", json=body, **options)


async def test_a_change_tells_who_made_it_where_and_how() -> None:
    user_id = new_id()
    body = {"note": {"seats": ["A1"], "token": "x", "people": [{"email": "ada@example.com"}]}, "password": "secret"}
    headers = {"X-Request-ID": "story-1"}
    assert (await post("/halls/7", body, Role.staff, user_id=user_id, headers=headers)).status_code == 200
    [action] = await trail()
    hidden = {"note": {"seats": ["A1"], "token": "***", "people": [{"email": "***"}]}, "password": "***"}
    assert (action["user_id"], action["role"], action["request_id"]) == (str(user_id), "staff", "story-1")
    assert (action["method"], action["route"]) == ("POST", "/api/theaters/halls/{hall}")
    assert (action["ids"], action["body"]) == ({"hall": "7"}, hidden)
    assert datetime.fromisoformat(action["at"]) > datetime.now(UTC) - timedelta(minutes=1)


@pytest.mark.parametrize(("path", "refuse", "rows", "effects"), [
    ("/halls/1", 0, 1, 1),
    ("/halls/1", 1, 0, 0),
    ("/screens/1", 0, 1, 2),
    ("/screens/1", 1, 0, 0),
    ("/screens/1", 2, 1, 1),
    ("/foyers/1", 0, 1, 2),
    ("/doors/1", 0, 1, 0),
    ("/doors/1", 1, 0, 0),
])  # fmt: skip
async def test_there_is_one_row_where_there_is_an_effect(path: str, refuse: int, rows: int, effects: int) -> None:
    await post(path, {"refuse": bool(refuse) if path == "/doors/1" else refuse})
    assert (len(await trail()), len(await sql("SELECT FROM effect"))) == (rows, effects)


@pytest.mark.parametrize("path", ["/sales/1", "/payments/1"])
async def test_a_request_that_is_repeated_is_noted_once(path: str) -> None:
    user_id = new_id()
    for again in (False, True):
        answer = await post(path, user_id=user_id, headers={"Idempotency-Key": "key-1"})
        assert (answer.status_code, "idempotent-replay" in answer.headers) == (200, again)
    assert (len(await trail()), len(await sql("SELECT FROM effect"))) == (1, 1)


@pytest.mark.parametrize(("path", "role"), [
    ("/halls/1", Role.customer),
    ("/doors/1", Role.customer),
    ("/me/password", Role.admin),
    ("/checkins", Role.staff),
])  # fmt: skip
async def test_customers_ones_own_account_and_the_doors_are_left_out(path: str, role: Role) -> None:
    assert (await post(path, {"refuse": False}, role)).status_code == 200
    assert await trail() == []


async def test_a_large_body_is_kept_as_a_digest_and_a_picture_not_at_all() -> None:
    await post("/halls/1", {"note": "x" * 5000})
    async with caller(app, Role.manager) as manager:
        await manager.put("/api/theaters/posters/2", content=b"\x89PNG", headers={"Content-Type": "image/png"})
    poster, large = await trail()
    assert poster["body"] is None
    assert (large["body"].keys(), large["body"]["bytes"] > 5000) == ({"bytes", "sha256"}, True)


@pytest.mark.parametrize("statement", ["UPDATE staff_action SET role = 'x'", "DELETE FROM staff_action",
                                       "TRUNCATE staff_action"])  # fmt: skip
async def test_the_database_refuses_to_change_the_trail(statement: str) -> None:
    await post("/halls/1", {})
    with pytest.raises(DBAPIError, match="append-only"):
        await sql(statement)
    assert len(await trail()) == 1


async def test_admins_look_for_a_person_and_for_days() -> None:
    ada, grace = new_id(), new_id()
    for user_id in (ada, grace, ada):
        await post("/halls/1", {}, user_id=user_id)
    today, tomorrow = datetime.now(UTC).date(), datetime.now(UTC).date() + timedelta(days=1)
    assert [action["user_id"] for action in await trail(user_id=str(ada))] == [str(ada)] * 2
    assert len(await trail(**{"from": today.isoformat(), "to": tomorrow.isoformat()})) == 3
    assert await trail(**{"from": (tomorrow + timedelta(days=1)).isoformat()}) == []
    assert await trail(to=(today - timedelta(days=1)).isoformat()) == []
    assert await trail(to="0001-01-01") == []
    async with caller(app, Role.manager) as manager:
        assert (await manager.get(TRAIL)).status_code == 403
