"""One request, one transaction; every refusal a problem document."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter, Query
from sqlalchemy import text

from infra.local.ports import free_ports
from infra.local.testing import Database
from services.shared import db
from services.shared.app import create_app
from services.shared.auth import CurrentUser, Role
from services.shared.db import fire_after_commit
from services.shared.events import Theater, TheaterChanged
from services.shared.idempotency import Idempotent
from services.shared.ids import new_id
from services.shared.messaging import publish
from services.shared.schemas import Input
from services.shared.signals import Signals
from services.shared.testing import caller, published, running

router = APIRouter(route_class=Idempotent)


class Note(Input):
    words: str


def changed() -> TheaterChanged:
    return TheaterChanged(theater=Theater(id=new_id(), name="Odeon", city="Wien", timezone="Europe/Vienna"))


@router.post("/notes", status_code=201)
async def add(session: db.Session, note: Note) -> Note:
    publish(session, changed())
    await session.execute(text("INSERT INTO note (words) VALUES (:words)"), note.model_dump())
    return note


@router.post("/statements", status_code=201)
async def add_at_once(transactions: db.Transactions, _: CurrentUser, note: Note) -> Note:
    async with transactions.statements() as session:
        await session.execute(text("INSERT INTO note (words) VALUES (:words)"), note.model_dump())
    if note.words == "then fail":
        raise ZeroDivisionError
    return note


@router.get("/slow")
async def slow(session: db.Session, seconds: Annotated[float, Query()]) -> None:
    await session.execute(text("SELECT pg_sleep(:seconds)"), {"seconds": seconds})


@router.get("/lost")
async def lost(session: db.Session) -> None:
    await session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))


app = create_app("theaters", router, {})


@pytest.fixture
async def client(fresh_database: Database) -> AsyncIterator[httpx.AsyncClient]:
    async with running(app), caller(app, Role.customer) as client:
        async with app.state.sessions.begin() as session:
            # Checked at COMMIT: what fails there must not have been answered before.
            await session.execute(text("CREATE TABLE note (words text UNIQUE DEFERRABLE INITIALLY DEFERRED)"))
        yield client


async def notes() -> list[str]:
    async with app.state.sessions.begin() as session:
        return list((await session.execute(text("SELECT words FROM note ORDER BY words"))).scalars())


async def post(client: httpx.AsyncClient, words: str, path: str = "notes", **headers: str) -> httpx.Response:
    return await client.post(f"/api/theaters/{path}", json={"words": words}, headers=headers)


def problem(answer: httpx.Response) -> tuple[int, str]:
    body = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert {"type", "title", "status", "detail", "code", "request_id"} <= body.keys()
    assert (body["status"], body["request_id"]) == (answer.status_code, answer.headers["x-request-id"])
    return answer.status_code, body["code"]


async def test_what_is_answered_is_committed_with_its_events(client: httpx.AsyncClient) -> None:
    assert (await post(client, "one")).status_code == 201
    assert await notes() == ["one"]
    assert len(await published(app)) == 1


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "key-2"}])
async def test_a_commit_that_fails_answers_500_and_sends_nothing(
    client: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    await post(client, "one")
    for _ in range(2):
        assert problem(await post(client, "one", **headers)) == (500, "internal_error")
    assert await notes() == ["one"]
    assert len(await published(app)) == 1


async def test_a_statement_session_commits_each_statement(client: httpx.AsyncClient) -> None:
    assert (await post(client, "one", "statements")).status_code == 201
    assert problem(await post(client, "then fail", "statements")) == (500, "internal_error")
    assert await notes() == ["one", "then fail"]


async def test_a_connection_that_was_in_autocommit_is_in_transactions_again(client: httpx.AsyncClient) -> None:
    for _ in range(12):
        await post(client, "then fail", "statements")
    await post(client, "one")
    assert problem(await post(client, "one")) == (500, "internal_error")
    assert (await notes()).count("one") == 1


async def test_a_statement_session_honours_idempotency_keys(client: httpx.AsyncClient) -> None:
    first, second = [await post(client, "one", "statements", **{"Idempotency-Key": "k"}) for _ in range(2)]
    assert (first.status_code, second.status_code) == (201, 201)
    assert "idempotent-replay" in second.headers
    assert await notes() == ["one"]


async def test_a_lost_connection_answers_503_once_and_is_replaced(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/theaters/lost")
    assert problem(answer) == (503, "service_unavailable")
    assert answer.json()["retryable"] is True
    assert answer.headers["retry-after"] == "1"
    assert (await post(client, "one")).status_code == 201


async def test_requests_that_find_no_free_connection_are_told_to_come_back(client: httpx.AsyncClient) -> None:
    hogs = [asyncio.create_task(client.get("/api/theaters/slow", params={"seconds": 4})) for _ in range(10)]
    await asyncio.sleep(0.3)
    assert problem(await post(client, "one")) == (503, "service_unavailable")
    assert {answer.status_code for answer in await asyncio.gather(*hogs)} == {200}
    assert (await post(client, "one")).status_code == 201


@pytest.mark.parametrize(
    ("body", "headers", "expected"),
    [
        (b'{"words": "a"}', {"Content-Type": "text/plain"}, (415, "unsupported_media_type")),
        (b'{"words": "a"', {"Content-Type": "application/json"}, (422, "validation_error")),
        (b"\xff\xfe", {"Content-Type": "application/json"}, (422, "validation_error")),
        (b"", {"Content-Type": "application/json"}, (422, "validation_error")),
        (b"[1]", {"Content-Type": "application/json"}, (422, "validation_error")),
        (b'{"words": 7}', {"Content-Type": "application/json"}, (422, "validation_error")),
        (b'{"words": "a", "role": "admin"}', {"Content-Type": "application/json"}, (422, "validation_error")),
        (b'{"words": "\\u0000"}', {"Content-Type": "application/json"}, (422, "validation_error")),
        (b" " * 1_048_577, {"Content-Type": "application/json"}, (413, "body_too_large")),
    ],
    ids=["type", "json", "utf-8", "empty", "array", "number", "unknown field", "null character", "too large"],
)
async def test_a_body_that_cannot_be_taken_is_refused_and_changes_nothing(
    client: httpx.AsyncClient, body: bytes, headers: dict[str, str], expected: tuple[int, str]
) -> None:
    assert problem(await client.post("/api/theaters/notes", content=body, headers=headers)) == expected
    assert await notes() == []
    assert await published(app) == []


async def test_a_body_of_unknown_length_is_cut_off_at_the_limit(client: httpx.AsyncClient) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(200):
            sent += 1
            yield b" " * 65_536

    answer = await client.post("/api/theaters/notes", content=endless(), headers={"Content-Type": "application/json"})
    assert problem(answer) == (413, "body_too_large")
    assert sent <= 18


async def test_an_unforeseen_error_tells_its_request_id_and_nothing_else(client: httpx.AsyncClient) -> None:
    answer = await post(client, "then fail", "statements", **{"X-Request-ID": "abc-1"})
    assert problem(answer) == (500, "internal_error")
    assert answer.json()["request_id"] == "abc-1"
    assert "ZeroDivisionError" not in answer.text


async def test_a_method_or_path_that_does_not_exist_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.put("/api/theaters/notes")
    assert problem(answer) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "POST"
    assert problem(await client.get("/api/theaters/nothing")) == (404, "not_found")


async def test_a_request_id_that_is_not_sane_is_replaced(client: httpx.AsyncClient) -> None:
    for given in ("a b", "x" * 129, "\t{}"):
        answer = await post(client, given.strip() or "tab", **{"X-Request-ID": given})
        assert answer.headers["x-request-id"] not in ("", given)


async def test_a_broker_that_is_away_shows_in_readyz_and_requests_go_on(
    fresh_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARQUEE_BUS_URL", f"amqp://guest:guest@127.0.0.1:{free_ports(1)[0]}/")
    async with running(app), caller(app) as client:
        async with app.state.sessions.begin() as session:
            await session.execute(text("CREATE TABLE note (words text)"))
        answer = await client.get("/readyz")
        assert answer.status_code == 503
        [(part, fault)] = answer.json()["faults"]["theaters"].items()
        assert (part, fault[:24]) == ("bus", "bus away: not connected:")
        assert (await post(client, "one")).status_code == 201
        assert len(await published(app)) == 1


async def test_who_waits_is_woken_by_the_commit(client: httpx.AsyncClient) -> None:
    signals: Signals = app.state.sessions.signals
    found: list[int] = []

    async def look() -> int | None:
        return found[0] if found else None

    waiting = asyncio.create_task(signals.until(look, "thing", 10))
    await asyncio.sleep(2)  # by now it looks every half second
    found.append(7)
    async with app.state.sessions.begin() as session:
        fire_after_commit(session, "thing")
        assert not waiting.done()
    async with asyncio.timeout(0.2):
        assert await waiting == 7


async def test_who_waits_in_vain_is_told_when_the_time_is_up() -> None:
    async def look() -> int | None:
        return None

    before = asyncio.get_running_loop().time()
    assert await Signals().until(look, "thing", 0.2) is None
    assert 0.19 < asyncio.get_running_loop().time() - before < 1
