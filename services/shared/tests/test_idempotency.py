"""`Idempotency-Key`, on a service that counts how often it did something."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from infra.local.testing import Database
from services.shared import db
from services.shared.app import create_app
from services.shared.auth import CurrentUser, Role
from services.shared.errors import DomainError
from services.shared.idempotency import Idempotent, prune
from services.shared.ids import new_id
from services.shared.testing import caller, running

router = APIRouter(route_class=Idempotent)


class Order(BaseModel):
    pieces: int
    refuse: bool = False
    wait: float = 0


class Made(BaseModel):
    id: int
    pieces: int


class SoldOut(DomainError):
    detail = "Nothing left."


async def make(session: AsyncSession, order: Order) -> Made:
    id_ = await session.scalar(text("INSERT INTO made (pieces) VALUES (:n) RETURNING id"), {"n": order.pieces})
    await asyncio.sleep(order.wait)
    if order.refuse:
        raise SoldOut
    assert isinstance(id_, int)
    return Made(id=id_, pieces=order.pieces)


@router.post("/simple", status_code=201)
async def simple(session: db.Session, _: CurrentUser, order: Order) -> Made:
    return await make(session, order)


@router.post("/outside", status_code=201)
async def outside(transactions: db.Transactions, _: CurrentUser, order: Order) -> Made:
    async with transactions.begin() as session:
        made = await make(session, order.model_copy(update={"refuse": False}))
    if order.refuse:
        raise SoldOut
    return made


app = create_app("theaters", router, {})
both = pytest.mark.parametrize("path", ["simple", "outside"])


@pytest.fixture
async def client(fresh_database: Database) -> AsyncIterator[httpx.AsyncClient]:
    async with running(app), caller(app, Role.customer) as client:
        await sql("CREATE TABLE made (id serial PRIMARY KEY, pieces int)")
        yield client


async def sql(statement: str) -> list[Any]:
    async with app.state.sessions.begin() as session:
        result = await session.execute(text(statement))
        return list(result.all()) if result.returns_rows else []


async def times_made() -> int:
    return len(await sql("SELECT 1 FROM made"))


async def post(client: httpx.AsyncClient, path: str, key: str | None = "key-1", **order: Any) -> httpx.Response:
    headers = {"Idempotency-Key": key} if key is not None else {}
    return await client.post(f"/api/theaters/{path}", json={"pieces": 2, **order}, headers=headers)


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


@both
async def test_the_same_request_again_gets_the_first_answer_again(client: httpx.AsyncClient, path: str) -> None:
    first, second = await post(client, path), await post(client, path)
    assert (first.status_code, first.json()["pieces"]) == (201, 2)
    assert (second.status_code, second.content) == (first.status_code, first.content)
    assert "idempotent-replay" not in first.headers
    assert second.headers["idempotent-replay"] == "true"
    assert await times_made() == 1


@both
async def test_another_body_under_the_same_key_is_refused(client: httpx.AsyncClient, path: str) -> None:
    await post(client, path)
    assert code(await post(client, path, pieces=3)) == (422, "idempotency_key_reused")
    assert await times_made() == 1


@both
async def test_other_keys_and_no_key_are_other_requests(client: httpx.AsyncClient, path: str) -> None:
    answers = [await post(client, path, key) for key in ("key-1", "key-2", None, None)]
    assert len({answer.json()["id"] for answer in answers}) == 4


async def test_a_key_belongs_to_its_user_and_its_path(client: httpx.AsyncClient) -> None:
    async with caller(app, Role.customer) as other:
        answers = [await post(client, "simple"), await post(client, "outside"), await post(other, "simple")]
    assert len({answer.json()["id"] for answer in answers}) == 3


@both
async def test_a_refusal_is_judged_anew(client: httpx.AsyncClient, path: str) -> None:
    for _ in range(2):
        assert code(await post(client, path, refuse=True)) == (409, "sold_out")
    assert code(await post(client, path, pieces="many")) == (422, "validation_error")
    assert (await post(client, path)).status_code == 201


@both
async def test_of_many_at_the_same_moment_one_is_done(client: httpx.AsyncClient, path: str) -> None:
    answers = await asyncio.gather(*(post(client, path, wait=0.2) for _ in range(8)))
    assert await times_made() == 1
    done = [answer for answer in answers if answer.status_code == 201]
    assert len({answer.content for answer in done}) == 1
    assert sum("idempotent-replay" not in answer.headers for answer in done) == 1
    others = [answer for answer in answers if answer.status_code != 201]
    assert {code(answer) for answer in others} <= {(409, "request_in_progress")}
    assert all(answer.headers["retry-after"] == "1" for answer in others)
    if path == "simple":  # in one transaction nobody has to be sent away
        assert others == []


async def test_what_a_dead_process_left_running_is_taken_up_after_a_while(client: httpx.AsyncClient) -> None:
    await post(client, "outside")
    await sql("UPDATE idempotency SET status = NULL, answer = NULL")
    assert code(await post(client, "outside")) == (409, "request_in_progress")
    await sql("UPDATE idempotency SET started_at = now() - interval '31 seconds'")
    assert (await post(client, "outside")).status_code == 201
    assert await times_made() == 2


async def test_a_key_is_forgotten_after_a_day(client: httpx.AsyncClient) -> None:
    await post(client, "simple")
    await sql("UPDATE idempotency SET started_at = now() - interval '25 hours'")
    assert (await post(client, "simple", pieces=3)).json()["pieces"] == 3
    assert await times_made() == 2


@pytest.mark.parametrize(("age", "left"), [("23 hours", 1), ("25 hours", 0)])
async def test_answers_are_deleted_after_a_day(client: httpx.AsyncClient, age: str, left: int) -> None:
    await post(client, "simple")
    await sql(f"UPDATE idempotency SET started_at = now() - interval '{age}'")
    await prune(app.state.sessions)
    assert len(await sql("SELECT FROM idempotency")) == left


@pytest.mark.parametrize("key", ["", "k" * 256])
async def test_a_key_has_1_to_255_characters(client: httpx.AsyncClient, key: str) -> None:
    answer = await post(client, "simple", key)
    assert code(answer) == (422, "validation_error")
    assert answer.json()["errors"][0]["pointer"] == "/header/Idempotency-Key"
    assert (await post(client, "simple", "k" * 255)).status_code == 201


async def test_a_key_is_no_way_around_signing_in(client: httpx.AsyncClient) -> None:
    await post(client, "simple")
    async with caller(app) as anonymous:
        assert code(await post(anonymous, "simple")) == (401, "unauthenticated")
    async with caller(app, Role.customer, new_id()) as other:
        assert "idempotent-replay" not in (await post(other, "simple")).headers


def test_the_openapi_document_tells_of_the_header() -> None:
    operation = app.openapi()["paths"]["/api/theaters/simple"]["post"]
    assert [parameter["name"] for parameter in operation["parameters"]] == ["Idempotency-Key"]
