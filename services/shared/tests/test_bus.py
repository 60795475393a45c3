"""What both carriers promise, together with the outbox and the inbox around them."""

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import pytest
from pydantic_core import to_json
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from infra.local.testing import Database
from services.shared.bus import Bus, BusAway, Message
from services.shared.bus.memory import disorder
from services.shared.db import Sessions
from services.shared.events import Event, ShowtimeCancelled
from services.shared.ids import new_id
from services.shared.messaging import Handlers, NotYet, inbox, outbox
from services.shared.messaging.outbox import encode, outbox_row, relay_once
from services.shared.messaging.tables import Outbox
from services.shared.tests.carriers import Carrier
from services.shared.tests.participant import Participant, cancelled, eventually, ids, stays, verified

Relay = Callable[[Sessions, Bus], Awaitable[object]]

COMMIT_AND_DIE = """
import asyncio, os, signal, sys
from services.shared.db import Sessions, connect
from services.shared.events import UserVerified
from services.shared.messaging import publish
from services.shared.settings import Settings
from services.shared.signals import Signals

async def main():
    settings = Settings(database_url=sys.argv[1])
    async with Sessions(connect(settings), settings, Signals()).begin() as session:
        publish(session, UserVerified(id=sys.argv[2], user_id=sys.argv[2], email="", full_name="", locale=""))
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


def message(event: Event) -> Message:
    return encode(Outbox(**outbox_row(event)))


async def test_an_event_reaches_each_subscriber_and_nobody_else(
    carrier: Carrier, users: Participant, catalog: Participant, reservations: Participant, ticketing: Participant
) -> None:
    event = cancelled()
    async with (
        users.running(carrier.bus("users")),
        reservations.running(carrier.bus("reservations")),
        ticketing.running(carrier.bus("ticketing")),
        catalog.running(carrier.bus("catalog")),
    ):
        await catalog.publish(event)
        await eventually(reservations.heard, [event.id])
        await eventually(ticketing.heard, [event.id])
        await eventually(catalog.outbox, [])
        assert await catalog.logged() == [event.id]
        assert await users.heard() == await catalog.heard() == []


async def test_an_event_of_a_transaction_that_is_rolled_back_is_never_sent(
    carrier: Carrier, users: Participant, ticketing: Participant
) -> None:
    async with ticketing.running(carrier.bus("ticketing")), users.running(carrier.bus("users")):
        with pytest.raises(ZeroDivisionError):
            await publish_and_fail(users)
        await stays(ticketing.heard, [])


async def publish_and_fail(participant: Participant) -> None:
    async with participant.sessions.begin() as session:
        outbox.publish(session, verified())
        await session.flush()
        raise ZeroDivisionError


async def test_a_message_that_is_delivered_again_acts_once(carrier: Carrier, ticketing: Participant) -> None:
    event = verified()
    assert await heard_after_three_deliveries(carrier, ticketing, event) == [event.id]


async def test_without_the_inbox_a_message_that_is_delivered_again_would_act_again(
    carrier: Carrier, ticketing: Participant, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def handle(session: AsyncSession, handlers: Handlers, message: Message) -> None:
        event = inbox.decode(message)
        await handlers[type(event)](session, event)

    monkeypatch.setattr(inbox, "handle", handle)
    event = verified()
    assert await heard_after_three_deliveries(carrier, ticketing, event) == [event.id] * 3


async def heard_after_three_deliveries(carrier: Carrier, ticketing: Participant, event: Event) -> list[UUID]:
    last = verified()
    async with ticketing.running(carrier.bus("ticketing")):
        bus = carrier.bus("users")
        for _ in range(3):
            assert await bus.publish([message(event)]) == [None]
            await eventually(lambda: contains(ticketing, event), True)
        await bus.publish([message(last)])
        await eventually(lambda: contains(ticketing, last), True)
        await asyncio.sleep(0.1)
        await bus.close()
    return [id_ for id_ in await ticketing.heard() if id_ == event.id]


async def contains(participant: Participant, event: Event) -> bool:
    return event.id in await participant.heard()


async def test_events_in_any_order_and_repeated_act_once_each(carrier: Carrier, ticketing: Participant) -> None:
    events = [verified() for _ in range(200)]
    async with ticketing.running(carrier.bus("ticketing")):
        bus = carrier.bus("users")
        repeated = disorder(seed=1, repeated=0.5)([message(event) for event in events])
        assert len(repeated) > 250
        assert set(await bus.publish(repeated)) == {None}
        await eventually(ticketing.heard, ids(events))
        await stays(ticketing.heard, ids(events))
        await bus.close()


async def test_an_event_that_comes_before_what_it_needs_is_tried_again_soon(
    carrier: Carrier, catalog: Participant, ticketing: Participant, reservations: Participant
) -> None:
    first, second = cancelled(), cancelled()

    async def needs_the_first(session: AsyncSession, event: ShowtimeCancelled) -> None:
        if event.id == second.id and first.id not in await ticketing.heard():
            raise NotYet

    ticketing.react = needs_the_first
    async with (
        ticketing.running(carrier.bus("ticketing")),
        reservations.running(carrier.bus("reservations")),
        catalog.running(carrier.bus("catalog")),
    ):
        await catalog.publish(second)
        await eventually(lambda: ticketing.count("parked"), 1)
        await catalog.publish(first)
        await eventually(ticketing.heard, [first.id, second.id], seconds=2)
        await eventually(ticketing.parked, [])


@pytest.fixture
def short_ladder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "RETRY_AFTER", (timedelta(seconds=0.05),) * 3)


@pytest.mark.usefixtures("short_ladder")
async def test_a_message_whose_handler_always_fails_is_parked_then_dead_and_holds_up_nobody(
    carrier: Carrier, users: Participant, ticketing: Participant
) -> None:
    poison, tries = verified(), 0

    async def fail(session: AsyncSession, event: Event) -> None:
        nonlocal tries
        if event.id == poison.id:
            tries += 1
            raise ValueError("cannot be handled")

    ticketing.react = fail
    async with ticketing.running(carrier.bus("ticketing")), users.running(carrier.bus("users")):
        await users.publish(poison)
        others = [verified() for _ in range(5)]
        await users.publish(*others)
        await eventually(ticketing.heard, ids(others))
        await eventually(lambda: attempts_until_death(ticketing), [4])
        [parked] = await ticketing.parked()
        assert (parked.event_id, parked.name) == (poison.id, "UserVerified")
        assert parked.error == "ValueError: cannot be handled"
        assert parked.fingerprint == "ValueError at shared/tests/test_bus.py:fail"
        await asyncio.sleep(0.3)
        assert tries == 4
        await eventually(users.outbox, [])


async def attempts_until_death(participant: Participant) -> list[int]:
    return [parked.attempts for parked in await participant.parked() if parked.dead_at]


async def test_a_handler_that_recovers_acts_once_and_leaves_nothing_parked(
    carrier: Carrier, users: Participant, ticketing: Participant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "RETRY_AFTER", (timedelta(seconds=0.05),) * 5)
    failures = 3

    async def fail_at_first(session: AsyncSession, event: Event) -> None:
        nonlocal failures
        if failures:
            failures -= 1
            raise ValueError("not today")

    ticketing.react = fail_at_first
    event = verified()
    async with ticketing.running(carrier.bus("ticketing")), users.running(carrier.bus("users")):
        await users.publish(event)
        await eventually(ticketing.heard, [event.id])
        await eventually(ticketing.parked, [])


async def test_a_body_that_is_no_event_is_dead_at_once(carrier: Carrier, ticketing: Participant) -> None:
    stranger = Message(new_id(), "UserVerified", b"\xff\x00 no json", {"x": "a\x00b"})
    impostor = Message(new_id(), "UserVerified", to_json(verified().model_dump(mode="json")))
    async with ticketing.running(carrier.bus("ticketing")):
        for poison in (stranger, impostor):
            await carrier.inject("ticketing", poison)
        await eventually(lambda: attempts_until_death(ticketing), [1, 1])
        assert await ticketing.heard() == []
        kept = {parked.event_id: parked for parked in await ticketing.parked()}
        assert kept[stranger.id].body == stranger.body
        assert kept[stranger.id].headers["x"] == "a\ufffdb"
        assert "differ" in kept[impostor.id].error


async def test_an_event_that_only_a_newer_version_knows_waits_for_it(carrier: Carrier, ticketing: Participant) -> None:
    later = Message(new_id(), "SeatsPainted", b"{}")
    not_ours = message(verified())
    del ticketing.consumer.handlers[type(verified())]  # type: ignore[attr-defined]
    async with ticketing.running(carrier.bus("ticketing")):
        await carrier.inject("ticketing", later)
        await carrier.inject("ticketing", not_ours)
        await eventually(lambda: ticketing.count("parked"), 2)
        assert await attempts_until_death(ticketing) == []


async def test_an_event_survives_a_process_that_is_killed_right_after_its_commit(
    carrier: Carrier, users: Participant, ticketing: Participant, fresh_database: Database
) -> None:
    id_ = new_id()
    command = [sys.executable, "-c", COMMIT_AND_DIE, fresh_database.url("users"), str(id_)]
    killed = await asyncio.to_thread(subprocess.run, command, check=False)
    assert killed.returncode == -9
    async with ticketing.running(carrier.bus("ticketing")), users.running(carrier.bus("users")):
        await eventually(ticketing.heard, [id_])


async def test_a_relay_that_dies_before_it_deletes_sends_again_and_the_event_acts_once(
    carrier: Carrier, users: Participant, ticketing: Participant
) -> None:
    event = verified()
    assert await heard_although_a_relay_died(carrier, users, ticketing, event, relay_once) == [event.id]


async def test_a_relay_that_deletes_before_the_confirm_would_lose_the_event(
    carrier: Carrier, users: Participant, ticketing: Participant
) -> None:
    async def careless(sessions: Sessions, bus: Bus) -> None:
        rows = await users.outbox()
        async with sessions.begin() as session:
            await outbox.move_to_log(session, [row.id for row in rows])
        await bus.publish([encode(row) for row in rows])

    assert await heard_although_a_relay_died(carrier, users, ticketing, verified(), careless) == []


class DiesAroundPublish:
    """A bus whose process dies: before it has sent anything, then after the confirm."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.deaths = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self.bus, name)

    async def publish(self, messages: list[Message]) -> None:
        self.deaths += 1
        if self.deaths > 1:
            await self.bus.publish(messages)
        raise asyncio.CancelledError


async def heard_although_a_relay_died(
    carrier: Carrier, users: Participant, ticketing: Participant, event: Event, relay: Relay
) -> list[UUID]:
    await users.publish(event)
    async with ticketing.running(carrier.bus("ticketing")):
        bus = carrier.bus("users")
        dying: Bus = DiesAroundPublish(bus)  # type: ignore[assignment]
        for _ in range(2):
            with pytest.raises(asyncio.CancelledError):
                await relay(users.sessions, dying)
            if not await users.outbox():
                break
        await bus.close()
        async with users.running(carrier.bus("users")):
            await eventually(users.outbox, [])
            await asyncio.sleep(0.3)
    return await ticketing.heard()


async def test_a_consumer_that_fails_between_its_commit_and_the_acknowledgement_has_acted_once(
    carrier: Carrier, users: Participant, ticketing: Participant
) -> None:
    handled: list[UUID] = []

    async def receive(message: Message) -> None:
        await ticketing.consumer.receive(message)
        handled.append(message.id)
        if len(handled) == 1:
            raise RuntimeError("died before the acknowledgement")

    ticketing.receive = receive
    event = verified()
    async with ticketing.running(carrier.bus("ticketing")), users.running(carrier.bus("users")):
        await users.publish(event)
        await eventually(lambda: length(handled), 2)
        await eventually(users.outbox, [])
        assert await ticketing.heard() == [event.id]


async def length(things: list[UUID]) -> int:
    return len(things)


async def test_an_event_of_a_megabyte_arrives(
    carrier: Carrier, catalog: Participant, reservations: Participant, ticketing: Participant
) -> None:
    event = ShowtimeCancelled(showtime_id=new_id(), reason="ü" * 500_000)
    async with (
        ticketing.running(carrier.bus("ticketing")),
        reservations.running(carrier.bus("reservations")),
        catalog.running(carrier.bus("catalog")),
    ):
        await catalog.publish(event)
        await eventually(ticketing.heard, [event.id])


async def test_an_event_that_no_carrier_takes_is_put_off_then_dead_and_holds_up_nobody(
    carrier: Carrier, users: Participant, ticketing: Participant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "ATTEMPTS", 3)
    monkeypatch.setattr(outbox, "PUT_OFF", timedelta(seconds=0.01))
    unknown = {"event_id": new_id(), "name": "SeatsPainted", "body": {}, "headers": {}}
    large = {**outbox_row(verified()), "body": {"filling": "x" * 9_000_000}}
    async with users.sessions.begin() as session:
        session.add_all([Outbox(**unknown), Outbox(**large)])
    event = verified()
    await users.publish(event)
    async with ticketing.running(carrier.bus("ticketing")), users.running(carrier.bus("users")):
        await eventually(ticketing.heard, [event.id])
        await eventually(lambda: dead_in_outbox(users), [3, 3])
    errors = [row.error for row in await users.outbox()]
    assert errors[0] == "no event is called SeatsPainted"
    assert errors[1]
    assert "bytes are more than" in errors[1]


async def dead_in_outbox(participant: Participant) -> list[int]:
    return [row.attempts for row in await participant.outbox() if row.dead_at]


async def test_many_events_are_all_heard_once_while_their_relay_is_stopped_and_started(
    carrier: Carrier, users: Participant, ticketing: Participant
) -> None:
    events = [verified() for _ in range(300)]
    async with ticketing.running(carrier.bus("ticketing")):
        for some in (events[:100], events[100:200], events[200:]):
            async with users.running(carrier.bus("users")):
                await users.publish(*some)
                await asyncio.sleep(0.02)
        async with users.running(carrier.bus("users")):
            await eventually(ticketing.heard, ids(events))
            await eventually(users.outbox, [])


async def test_nothing_waits_once_everything_is_handled(
    carrier: Carrier, users: Participant, ticketing: Participant
) -> None:
    release = asyncio.Event()

    async def wait(session: AsyncSession, event: Event) -> None:
        await release.wait()

    ticketing.react = wait
    bus = carrier.bus("ticketing")

    async def backlog() -> int | None:
        try:
            return await bus.backlog("ticketing")
        except BusAway:
            return None

    async with ticketing.running(bus), users.running(carrier.bus("users")):
        await eventually(backlog, 0)
        await users.publish(*[verified() for _ in range(3)])
        await eventually(backlog, 3)
        await stays(backlog, 3, seconds=0.3)
        release.set()
        await eventually(backlog, 0)


async def test_a_service_that_stops_finishes_what_it_is_handling(
    carrier: Carrier, users: Participant, ticketing: Participant
) -> None:
    begun = asyncio.Event()

    async def take_a_while(session: AsyncSession, event: Event) -> None:
        begun.set()
        await asyncio.sleep(0.3)

    ticketing.react = take_a_while
    event = verified()
    async with users.running(carrier.bus("users")):
        async with ticketing.running(carrier.bus("ticketing")):
            await users.publish(event)
            await begun.wait()
        assert await ticketing.heard() == [event.id]


async def test_a_message_is_kept_while_the_database_is_away(
    carrier: Carrier, users: Participant, ticketing: Participant
) -> None:
    fail = 3

    async def break_the_connection(session: AsyncSession, event: Event) -> None:
        nonlocal fail
        if fail:
            fail -= 1
            await session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    ticketing.react = break_the_connection
    event = verified()
    async with ticketing.running(carrier.bus("ticketing")), users.running(carrier.bus("users")):
        await users.publish(event)
        await eventually(ticketing.heard, [event.id])
        assert fail == 0
        assert await ticketing.count("parked") == 0
