import asyncio

import psycopg
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from infra.local.testing import Database
from services.shared import migrate
from services.shared.auth import Role
from services.shared.db import Sessions
from services.shared.ids import new_id
from services.shared.jobs import Work
from services.shared.testing import caller
from services.ticketing.commands import ledger
from services.ticketing.models import Account
from services.ticketing.queries.ledger import Verdict, verify


async def post(app: FastAPI, cause: str, amount: int = 100) -> None:
    sessions: Sessions = app.state.sessions
    async with sessions.begin() as session:
        await ledger.record(session, new_id(), cause, "EUR", {Account.CLEARING: amount, Account.CUSTOMER: -amount})


async def sealed(app: FastAPI, postings: int = 3) -> None:
    for number in range(postings):
        await post(app, f"posting {number}")
    await ledger.seal(Work(app.state.sessions, app.state))


async def verdict(app: FastAPI) -> Verdict:
    sessions: Sessions = app.state.sessions
    async with sessions.begin() as session:
        return await verify(session)


async def test_sides_that_do_not_sum_to_zero_are_refused(app: FastAPI) -> None:
    sessions: Sessions = app.state.sessions
    async with sessions.begin() as session:
        with pytest.raises(ValueError, match="must sum to zero"):
            await ledger.record(session, None, "wrong", "EUR", {Account.CLEARING: 5, Account.CUSTOMER: -4})


async def test_the_same_cause_is_posted_once(app: FastAPI) -> None:
    await asyncio.gather(*(post(app, "once") for _ in range(4)))
    assert (await verdict(app)).entries == 2


@pytest.mark.parametrize("table", ["ledger_entry", "ledger_seal", "saga_log", "wallet_entry"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET {}", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
async def test_the_database_refuses_to_change_or_delete_what_is_append_only(
    app: FastAPI, table: str, statement: str
) -> None:
    await sealed(app)
    columns = {"ledger_entry": "amount = 1", "ledger_seal": "hash = ''", "saga_log": "cause = ''"}
    change = statement.format(table, columns.get(table, "amount = 1"))
    sessions: Sessions = app.state.sessions
    with pytest.raises(DBAPIError, match="append-only"):
        async with sessions.begin() as session:
            await session.execute(text(change))
    assert (await verdict(app)).valid


async def test_what_is_committed_is_sealed_and_verifies(app: FastAPI) -> None:
    await sealed(app)
    await post(app, "just now")
    assert await verdict(app) == Verdict(entries=8, sealed=6, unsealed=2, valid=True)
    manager = caller(app, Role.manager)
    answer = await manager.get("/api/ticketing/ledger/verify")
    assert answer.json() == {
        "entries": 8,
        "sealed": 6,
        "unsealed": 2,
        "valid": True,
        "first_bad": None,
        "problem": None,
    }
    page = (await manager.get("/api/ticketing/ledger", params={"limit": 5})).json()
    assert len(page["items"]) == 5
    rest = (await manager.get("/api/ticketing/ledger", params={"cursor": page["next_cursor"]})).json()
    assert (len(rest["items"]), rest["next_cursor"]) == (3, None)


async def test_several_sealers_at_once_make_one_chain(app: FastAPI) -> None:
    for number in range(10):
        await post(app, f"posting {number}")
    work = Work(app.state.sessions, app.state)
    await asyncio.gather(*(ledger.seal(work) for _ in range(4)))
    assert await verdict(app) == Verdict(entries=20, sealed=20, unsealed=0, valid=True)


@pytest.mark.parametrize(
    ("tampering", "problem"),
    [
        ("UPDATE ledger_entry SET amount = amount + 1 WHERE id = 3", "the entry is not what was sealed"),
        ("UPDATE ledger_entry SET at = at + interval '1 second' WHERE id = 3", "the entry is not what was sealed"),
        ("DELETE FROM ledger_seal WHERE entry_id = 3", "a seal is missing"),
        ("DELETE FROM ledger_seal WHERE entry_id = 3; DELETE FROM ledger_entry WHERE id = 3", "a seal is missing"),
        ("UPDATE ledger_seal SET hash = sha256('x') WHERE entry_id = 3", "the entry is not what was sealed"),
    ],
)
async def test_tampering_behind_the_databases_back_is_found(
    app: FastAPI, fresh_database: Database, tampering: str, problem: str
) -> None:
    await sealed(app)
    with psycopg.connect(fresh_database.dsn) as superuser:
        superuser.execute("SET search_path TO ticketing; SET session_replication_role = replica")
        superuser.execute(tampering)
    found = await verdict(app)
    assert (found.valid, found.first_bad, found.problem) == (False, 3, problem)


def test_migrations_make_what_the_models_say(fresh_database: Database) -> None:
    migrate.check("ticketing", fresh_database.url("ticketing"))
