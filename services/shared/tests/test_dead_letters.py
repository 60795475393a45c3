"""What operators do with dead letters, on either side of the bus."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.shared import dead_letters
from services.shared.bus import MemoryBroker, Message
from services.shared.dead_letters import UNDELIVERABLE
from services.shared.events import Event
from services.shared.ids import new_id
from services.shared.messaging import inbox, outbox
from services.shared.messaging.outbox import encode, outbox_row
from services.shared.messaging.tables import DeadLetterAction, Outbox
from services.shared.tests.participant import Participant, eventually, verified

CAUSE = "ValueError at shared/tests/test_dead_letters.py:fail"


async def fail(_session: AsyncSession, _event: Event) -> None:
    raise ValueError("no such showtime")


@pytest.fixture
async def dead(ticketing: Participant, monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    """Two events that ticketing could not handle, one that it could not read."""
    monkeypatch.setattr(inbox, "RETRY_AFTER", ())
    ticketing.react = fail
    events = [verified(), verified()]
    for event in events:
        await ticketing.receive(encode(Outbox(**outbox_row(event))))
    await ticketing.receive(Message(new_id(), "SeatHeld", b"?"))
    ticketing.react = succeed
    return list(events)


async def succeed(_session: AsyncSession, _event: Event) -> None:
    pass


async def actions(participant: Participant) -> list[tuple[str, str, str, str]]:
    async with participant.sessions.begin() as session:
        rows = await session.scalars(select(DeadLetterAction).order_by(DeadLetterAction.id))
        return [(row.action, row.name, row.actor, row.reason) for row in rows]


@pytest.mark.usefixtures("dead")
async def test_dead_letters_are_listed_by_cause_the_most_frequent_first(ticketing: Participant) -> None:
    async with ticketing.sessions.begin() as session:
        first, second = map(str, await dead_letters.causes(session))
    assert first.startswith("2 x UserVerified since 20")
    assert first.endswith(f"Z [{CAUSE}] ValueError: no such showtime")
    assert "1 x SeatHeld" in second
    assert "Unreadable" in second


async def test_a_replay_tries_those_of_one_cause_again_and_says_who_wanted_it(
    ticketing: Participant, dead: list[Event]
) -> None:
    async with ticketing.running(MemoryBroker().connect("ticketing")):
        async with ticketing.sessions.begin() as session:
            assert await dead_letters.replay(session, CAUSE, "grace", "fixed in 1.2") == 2
        await eventually(ticketing.heard, sorted(event.id for event in dead))
        await eventually(lambda: ticketing.count("parked"), 1)
    assert await actions(ticketing) == [("replay", "UserVerified", "grace", "fixed in 1.2")] * 2


@pytest.mark.usefixtures("dead")
async def test_a_replay_that_fails_again_is_dead_again(ticketing: Participant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "RETRY_AFTER", (timedelta(seconds=0.01),))
    ticketing.react = fail
    async with ticketing.sessions.begin() as session:
        await dead_letters.replay(session, CAUSE, "grace", "hope")
    async with ticketing.running(MemoryBroker().connect("ticketing")):
        await eventually(lambda: died_after(ticketing), [2, 2])


async def died_after(participant: Participant) -> list[int]:
    return [row.attempts for row in await participant.parked() if row.dead_at and row.name == "UserVerified"]


@pytest.mark.usefixtures("dead")
async def test_what_is_discarded_is_gone_and_its_trail_is_not(ticketing: Participant) -> None:
    async with ticketing.sessions.begin() as session:
        assert await dead_letters.discard(session, CAUSE, "grace", "test data") == 2
    assert [row.name for row in await ticketing.parked()] == ["SeatHeld"]
    assert await actions(ticketing) == [("discard", "UserVerified", "grace", "test data")] * 2
    async with ticketing.sessions.begin() as session:
        assert await dead_letters.discard(session, CAUSE, "grace", "again") == 0


async def test_a_message_that_will_be_tried_again_is_no_dead_letter(ticketing: Participant) -> None:
    ticketing.react = fail
    await ticketing.receive(encode(Outbox(**outbox_row(verified()))))
    async with ticketing.sessions.begin() as session:
        assert await dead_letters.causes(session) == []
        assert await dead_letters.discard(session, CAUSE, "grace", "not dead") == 0
    assert await ticketing.count("parked") == 1


async def test_events_that_the_bus_has_refused_are_dead_letters_too(
    users: Participant, ticketing: Participant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "ATTEMPTS", 1)
    broker, event = MemoryBroker(), verified()
    async with users.running(broker.connect("users")):
        async with users.sessions.begin() as session:
            session.add(Outbox(event_id=new_id(), name="SeatsPainted", body={}, headers={}))
        await eventually(lambda: refused(users), 1)
    async with users.sessions.begin() as session:
        [line] = map(str, await dead_letters.causes(session))
        assert line.startswith("1 x SeatsPainted")
        assert line.endswith(f"Z [{UNDELIVERABLE}] no event is called SeatsPainted")
        await session.execute(
            text("UPDATE outbox SET name = 'UserVerified', event_id = :id, body = :body"),
            {"id": event.id, "body": event.model_dump_json()},
        )
        assert await dead_letters.replay(session, UNDELIVERABLE, "grace", "renamed") == 1
    async with ticketing.running(broker.connect("ticketing")), users.running(broker.connect("users")):
        await eventually(ticketing.heard, [event.id])


async def refused(participant: Participant) -> int:
    return len([row for row in await participant.outbox() if row.dead_at])
