"""The event log: replay, days that come and go, memories that fade."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from services.shared import ids
from services.shared.bus import MemoryBroker
from services.shared.messaging import history
from services.shared.messaging.history import KEPT, keep_history, partition, prune_inbox, replay
from services.shared.tests.participant import Participant, eventually, verified

TODAY = datetime.now(UTC).date()


def id_of(age: timedelta) -> UUID:
    return UUID(int=(ids.earliest(datetime.now(UTC) - age).int & ~(0xF << 76)) | (7 << 76) | (2 << 62))


async def replay_all(participant: Participant, since: timedelta = timedelta(hours=1)) -> int:
    async with participant.sessions.begin() as session:
        return await replay(session, datetime.now(UTC) - since)


async def keep(participant: Participant) -> None:
    async with participant.sessions.begin() as session:
        await keep_history(session)


async def run(participant: Participant, statement: str) -> None:
    async with participant.sessions.begin() as session:
        await session.execute(text(statement))


async def days(participant: Participant) -> list[str]:
    async with participant.sessions.begin() as session:
        return await history.days(session)


async def test_a_replay_sends_the_same_events_again_which_act_only_where_they_have_not(
    users: Participant, ticketing: Participant
) -> None:
    events = [verified() for _ in range(3)]
    broker = MemoryBroker()
    async with ticketing.running(broker.connect("ticketing")), users.running(broker.connect("users")):
        await users.publish(*events)
        await eventually(users.outbox, [])
        await run(ticketing, "DELETE FROM heard")
        await run(ticketing, f"DELETE FROM inbox WHERE event_id = '{events[1].id}'")  # as after a restore
        for _ in range(2):
            assert await replay_all(users) == 3
            await eventually(users.outbox, [])
        assert await ticketing.heard() == [events[1].id]
        assert set(await users.logged()) == {event.id for event in events}


async def test_a_replay_leaves_out_what_inboxes_may_have_forgotten(users: Participant) -> None:
    young, old = id_of(KEPT - timedelta(hours=1)), id_of(KEPT + timedelta(hours=1))
    for number, id_ in enumerate((young, old)):
        await run(
            users,
            "INSERT INTO event_log (id, event_id, name, body, headers, created_at)"
            f" VALUES ({number}, '{id_}', 'UserVerified', '{{}}', '{{}}', now())",
        )
    assert await replay_all(users) == 1
    assert [row.event_id for row in await users.outbox()] == [young]


async def test_a_replay_since_a_moment_leaves_out_what_was_published_before(users: Participant) -> None:
    await run(
        users,
        "INSERT INTO event_log (id, published_at, event_id, name, body, headers, created_at)"
        f" VALUES (1, now() - interval '2 hours', '{id_of(KEPT / 2)}', 'UserVerified', '{{}}', '{{}}', now())",
    )
    assert await replay_all(users, since=timedelta(hours=1)) == 0
    assert await replay_all(users, since=timedelta(hours=3)) == 1


async def test_there_is_a_partition_for_each_of_the_next_days(users: Participant) -> None:
    for _ in range(2):
        await keep(users)
        assert await days(users) == [partition(TODAY + timedelta(days=ahead)) for ahead in range(8)]


async def test_processes_that_start_at_the_same_moment_make_the_days_once(users: Participant) -> None:
    await asyncio.gather(*(keep(users) for _ in range(4)))
    assert len(await days(users)) == 8


async def test_days_older_than_14_are_dropped(users: Participant) -> None:
    for age in (14, 15, 40):
        day = TODAY - timedelta(days=age)
        bounds = f"FROM ('{day}') TO ('{day + timedelta(days=1)}')"
        await run(users, f"CREATE TABLE {partition(day)} PARTITION OF event_log FOR VALUES {bounds}")
    await keep(users)
    assert (await days(users))[0] == partition(TODAY - timedelta(days=14))


async def test_a_day_whose_events_came_before_its_partition_stays_in_the_default_one(users: Participant) -> None:
    await run(
        users,
        "INSERT INTO event_log (id, event_id, name, body, headers, created_at)"
        " VALUES (1, gen_random_uuid(), 'x', '{}', '{}', now())",
    )
    await keep(users)
    assert partition(TODAY) not in await days(users)
    assert partition(TODAY + timedelta(days=1)) in await days(users)


@pytest.mark.parametrize(("age", "left"), [(timedelta(days=27), 1), (timedelta(days=29), 0)])
async def test_the_inbox_forgets_events_after_28_days(users: Participant, age: timedelta, left: int) -> None:
    await run(users, f"INSERT INTO inbox (event_id) VALUES ('{id_of(age)}')")
    await prune_inbox(users.sessions)
    assert await users.count("inbox") == left


@pytest.mark.parametrize(("age", "left"), [(timedelta(days=13), 1), (timedelta(days=15), 0)])
async def test_what_the_default_partition_caught_goes_after_14_days_too(
    users: Participant, age: timedelta, left: int
) -> None:
    await run(
        users,
        "INSERT INTO event_log (id, published_at, event_id, name, body, headers, created_at)"
        f" VALUES (1, now() - interval '{age.days} days', gen_random_uuid(), 'x', '{{}}', '{{}}', now())",
    )
    await keep(users)
    assert await users.count("event_log") == left
