"""What is left of an erased user in messages, mails and stored answers: an id."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.shared import erasure, idempotency, pruning
from services.shared.bus import Message
from services.shared.events import Event, UserRegistered, UserVerified
from services.shared.idempotency import IdempotencyRecord
from services.shared.ids import new_id
from services.shared.mail import Mail, claim, send, send_one
from services.shared.messaging.history import replay
from services.shared.messaging.outbox import encode, move_to_log, outbox_row
from services.shared.messaging.tables import EventLog, Outbox
from services.shared.tests.participant import Participant, now

ADA, GRACE = new_id(), new_id()
FACES = {ADA: ("ada@example.com", "Ada"), GRACE: ("grace@example.com", "Grace")}


def about(kind: type[UserRegistered | UserVerified], user_id: UUID) -> Event:
    email, name = FACES[user_id]
    return kind(user_id=user_id, email=email, full_name=name, locale="en")


async def forget(participant: Participant, user_id: UUID) -> None:
    async with participant.sessions.begin() as session:
        await erasure.forget(session, user_id)


async def bodies(session: AsyncSession, table: type[Outbox | EventLog]) -> dict[Any, tuple[str, str]]:
    found = await session.scalars(select(table.body))
    return {UUID(body["user_id"]): (body["email"], body["full_name"]) for body in found}


@pytest.mark.parametrize("sent", [False, True], ids=["in the outbox", "in the log"])
async def test_events_keep_the_id_and_lose_the_person(users: Participant, sent: bool) -> None:
    await users.publish(about(UserRegistered, ADA), about(UserVerified, GRACE))
    async with users.sessions.begin() as session:
        if sent:
            await move_to_log(session, list(await session.scalars(select(Outbox.id))))
    await forget(users, ADA)
    async with users.sessions.begin() as session:
        assert await bodies(session, EventLog if sent else Outbox) == {ADA: ("", ""), GRACE: FACES[GRACE]}


async def test_a_replay_sends_what_is_left(users: Participant) -> None:
    since = now()
    await users.publish(about(UserRegistered, ADA))
    async with users.sessions.begin() as session:
        await move_to_log(session, list(await session.scalars(select(Outbox.id))))
    await forget(users, ADA)
    async with users.sessions.begin() as session:
        assert await replay(session, since) == 1
    [row] = await users.outbox()
    event = UserRegistered.model_validate(row.body)
    assert (event.user_id, event.email, event.full_name) == (ADA, "", "")


async def fail(_session: AsyncSession, _event: Event) -> None:
    raise ValueError(f"cannot write to {FACES[ADA][0]}")


async def test_messages_that_wait_for_another_try_lose_the_person_too(ticketing: Participant) -> None:
    ticketing.react = fail
    for user_id in (ADA, GRACE):
        await ticketing.receive(encode(Outbox(**outbox_row(about(UserVerified, user_id)))))
    broken = b'{"user_id": "' + str(ADA).encode() + b'", "email": "ada@exa'
    await ticketing.receive(Message(new_id(), "UserVerified", broken, {}))
    await forget(ticketing, ADA)
    theirs = {b"grace" in row.body: row for row in await ticketing.parked() if row.body != b"{}"}
    told = UserVerified.model_validate_json(theirs[False].body)
    assert (told.user_id, told.email, told.full_name) == (ADA, "", "")
    assert "ada@" not in " ".join(row.error for row in await ticketing.parked() if b"grace" not in row.body)
    assert b"grace@example.com" in theirs[True].body
    assert len(await ticketing.parked()) == 3


async def test_a_message_that_cannot_be_read_is_parked_without_a_quotation(ticketing: Participant) -> None:
    await ticketing.receive(Message(new_id(), "UserVerified", b'{"email": ["ada@example.com"]}', {}))
    [row] = await ticketing.parked()
    assert "email" in row.error
    assert "ada@example.com" not in row.error


async def test_mails_that_have_not_gone_out_never_will_and_their_causes_stay(users: Participant) -> None:
    async with users.sessions.begin() as session:
        for user_id, (email, name) in FACES.items():
            await send(session, f"hello:{name}", email, ("Hello", name, name), user_id=user_id)
    claimed = await claim(users.sessions)
    await forget(users, ADA)
    async with users.sessions.begin() as session:
        await send(session, "hello:Ada", "ada@example.com", ("Hello", "Ada", "Ada"), user_id=ADA)
        kept = {mail.cause: mail for mail in await session.scalars(select(Mail))}
    assert (kept["hello:Ada"].content, kept["hello:Ada"].sent_at) == (None, None)
    assert kept["hello:Ada"].failed_at
    assert kept["hello:Grace"].content
    assert kept["hello:Ada"].id in claimed
    await send_one(users.sessions, kept["hello:Ada"].id)
    async with users.sessions.begin() as session:
        hers = await session.get_one(Mail, kept["hello:Ada"].id)
        assert (hers.sent_at, hers.error, hers.content) == (None, None, None)


async def test_stored_answers_are_deleted(users: Participant) -> None:
    async with users.sessions.begin() as session:
        for user_id in FACES:
            session.add(IdempotencyRecord(user_id=user_id, path="/", key="1", digest=b"", answer=b"Dear Ada"))
        await session.flush()
        await idempotency.forget(session, ADA)
        assert list(await session.scalars(select(IdempotencyRecord.user_id))) == [GRACE]


async def test_pruning_deletes_all_that_is_old_in_batches(users: Participant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "AT_ONCE", 10)
    async with users.sessions.begin() as session:
        for number in range(25):
            await send(session, f"mail:{number}", "ada@example.com", ("Hello", "Ada", "Ada"))
        await session.execute(text("UPDATE mail SET created_at = now() - interval '1 day' WHERE cause <> 'mail:7'"))
    await pruning.prune(users.sessions, Mail, Mail.created_at < func.now() - text("interval '1 hour'"))
    async with users.sessions.begin() as session:
        assert list(await session.scalars(select(Mail.cause))) == ["mail:7"]
