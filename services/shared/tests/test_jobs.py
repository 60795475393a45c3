"""Leases, jobs, supervision, relays side by side."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from sqlalchemy import text
from starlette.datastructures import State

from infra.local.testing import Database
from services.shared import jobs
from services.shared.app import create_app
from services.shared.bus import MemoryBroker
from services.shared.db import fire_after_commit
from services.shared.jobs import Health, Job, Work, supervise
from services.shared.leases import Lessee
from services.shared.messaging import outbox
from services.shared.testing import caller, running
from services.shared.tests.participant import Participant, eventually, ids, verified

LIFE = timedelta(seconds=0.6)


def lessee(participant: Participant) -> Lessee:
    return Lessee(participant.sessions, "test", LIFE)


async def test_a_lease_has_one_owner_until_it_expires(users: Participant) -> None:
    first, second = lessee(users), lessee(users)
    assert await first.holds()
    assert not await second.holds()
    assert await first.holds()
    await eventually(second.holds, True, seconds=2)
    assert not await first.holds()


async def test_a_lease_is_renewed_by_asking(users: Participant) -> None:
    first, second = lessee(users), lessee(users)
    for _ in range(10):
        assert await first.holds()
        assert not await second.holds()
        await asyncio.sleep(0.1)


async def test_a_lease_that_is_given_back_can_be_taken_at_once(users: Participant) -> None:
    first, second = lessee(users), lessee(users)
    async with first.returned():
        assert await first.holds()
    assert await second.holds()
    async with first.returned():
        assert not await first.holds()
    assert await second.holds(), "nobody gives back what is not his"


async def test_what_takes_longer_than_a_lease_keeps_it(users: Participant) -> None:
    first, second = lessee(users), lessee(users)
    assert await first.holds()
    working = asyncio.create_task(first.keep_while(lambda: asyncio.sleep(1.5)))
    while not working.done():
        assert not await second.holds()
        await asyncio.sleep(0.05)
    await working


async def test_what_runs_under_a_lease_stops_when_it_is_lost(users: Participant) -> None:
    holder = lessee(users)
    assert await holder.holds()
    working = asyncio.create_task(holder.keep_while(lambda: asyncio.sleep(30)))
    async with users.sessions.begin() as session:
        await session.execute(text("UPDATE lease SET owner = gen_random_uuid(), expires_at = now() + interval '1 day'"))
    async with asyncio.timeout(2):
        await working
    assert not await holder.holds()


async def test_what_fails_under_a_lease_fails(users: Participant) -> None:
    async def fail() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await lessee(users).keep_while(fail)


async def test_a_job_runs_by_the_clock_and_at_once_when_woken(users: Participant) -> None:
    runs: list[float] = []

    async def work(_: Work) -> None:
        runs.append(asyncio.get_running_loop().time())

    task = asyncio.create_task(jobs.run_for_ever(Job(work, seconds=0.4, wake="cue"), Work(users.sessions, State())))
    await eventually(lambda: count(runs), 2)
    assert 0.35 < runs[1] - runs[0] < 2
    woken = asyncio.get_running_loop().time()
    async with users.sessions.begin() as session:
        fire_after_commit(session, "cue")
    await eventually(lambda: count(runs), 3)
    assert runs[2] - woken < 0.35
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await users.count("lease") == 0, "given back at the end"


async def count(things: list[Any]) -> int:
    return len(things)


async def test_a_job_runs_in_one_process_at_a_time(users: Participant, ticketing: Participant) -> None:
    at_work: list[int] = []
    seen: list[int] = []

    async def work(_: Work) -> None:
        at_work.append(1)
        seen.append(len(at_work))
        try:
            await asyncio.sleep(0.05)
        finally:
            at_work.pop()

    job = Job(work, seconds=0.01)
    tasks = [asyncio.create_task(jobs.run_for_ever(job, Work(users.sessions, State()))) for _ in range(3)]
    await eventually(lambda: reached(seen, 5), True)
    await cancel(tasks[:1])
    await eventually(lambda: reached(seen, 10), True, seconds=5)
    await cancel(tasks)
    assert set(seen) == {1}


async def reached(things: list[int], number: int) -> bool:
    return len(things) >= number


async def cancel(tasks: list[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize("error", [ZeroDivisionError("x"), asyncio.CancelledError("by a library")])
async def test_a_part_that_crashes_shows_and_starts_again(
    error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "RESTART_SECONDS", 0.2)
    health, starts = Health(), 0

    async def part() -> None:
        nonlocal starts
        starts += 1
        if starts < 3:
            raise error
        await asyncio.sleep(30)

    async def state() -> tuple[int, dict[str, str]]:
        return starts, health.faults

    task = asyncio.create_task(supervise("part", part, health))
    await eventually(state, (1, {"part": f"{type(error).__name__}: {error}"}))
    await eventually(state, (3, {}))
    await cancel([task])
    assert task.cancelled()


async def break_down(work: Work) -> None:
    raise RuntimeError("the machine is broken")


@pytest.fixture
async def broken(fresh_database: Database) -> AsyncIterator[FastAPI]:
    app = create_app("theaters", APIRouter(), {}, jobs=[Job(break_down, seconds=60)])
    async with running(app):
        yield app


async def test_a_job_that_crashes_shows_in_readyz(broken: FastAPI) -> None:
    async with caller(broken) as client:
        answer = await client.get("/readyz")
        while answer.status_code == 200:
            answer = await client.get("/readyz")
    fault = {"break_down": "RuntimeError: the machine is broken"}
    assert (answer.status_code, answer.json()) == (503, {"ready": False, "faults": {"theaters": fault}})


async def test_two_relays_at_once_are_harmless(
    users: Participant, ticketing: Participant, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def anyone_may(_: Lessee) -> bool:
        return True

    monkeypatch.setattr(Lessee, "holds", anyone_may)
    monkeypatch.setattr(outbox, "BATCH", 7)
    broker, events = MemoryBroker(), [verified() for _ in range(100)]
    async with ticketing.running(broker.connect("ticketing")):
        tasks = [asyncio.create_task(outbox.relay_for_ever(users.sessions, broker.connect("users"))) for _ in range(2)]
        await users.publish(*events)
        await eventually(users.outbox, [])
        await eventually(ticketing.heard, ids(events))
        assert sorted(await users.logged()) == ids(events)
        await cancel(tasks)


async def test_a_relay_takes_over_from_one_that_died(
    users: Participant, ticketing: Participant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "LEASE", LIFE)
    assert await Lessee(users.sessions, "relay", LIFE).holds()  # by a process that is no more
    event, broker = verified(), MemoryBroker()
    async with ticketing.running(broker.connect("ticketing")), users.running(broker.connect("users")):
        await users.publish(event)
        await eventually(ticketing.heard, [event.id], seconds=3)
    assert await users.count("lease") == 0
