"""Sweeps, by a service that has nothing but messages and a table to walk through."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from starlette.datastructures import State
from structlog.testing import capture_logs

from services.shared import audit, dead_letters
from services.shared.audit import Audit, Auditor, Check, Walk, ask
from services.shared.bus import Message
from services.shared.events import InvariantsChecked, Outcome
from services.shared.ids import new_id
from services.shared.jobs import Work
from services.shared.metrics import Metrics
from services.shared.tests.participant import Participant, verified

NUMBERS = Walk("numbers", "number", first=0, step=10)
SEEN = Check("I5", "No number is seen", ask(f"SELECT number, 'seen' FROM numbers WHERE {NUMBERS.within('number')}"))


async def execute(participant: Participant, *statements: str) -> None:
    async with participant.sessions.begin() as session:
        for statement in statements:
            await session.execute(text(statement))


async def sweep(participant: Participant, auditor: Auditor) -> list[Outcome]:
    await auditor.audit(Work(participant.sessions, State()))
    async with participant.sessions.begin() as session:
        return (await session.get_one(audit.AuditSweep, participant.name)).checks


def subjects(outcomes: list[Outcome]) -> set[str]:
    return {violation.subject for outcome in outcomes for violation in outcome.violations}


async def test_an_event_that_has_waited_for_a_minute_is_found(users: Participant) -> None:
    event, auditor = verified(), Auditor("users", Audit())
    await users.publish(event)
    assert subjects(await sweep(users, auditor)) == set()
    await execute(users, "UPDATE outbox SET created_at = now() - interval '61 seconds' WHERE name = 'UserVerified'")
    assert subjects(await sweep(users, auditor)) == {str(event.id)}


async def test_a_dead_letter_is_found_until_somebody_explains_it(ticketing: Participant) -> None:
    message, auditor = Message(new_id(), "SeatHeld", b"?"), Auditor("ticketing", Audit())
    await ticketing.receive(message)
    assert subjects(await sweep(ticketing, auditor)) == {str(message.id)}
    async with ticketing.sessions.begin() as session:
        (parked,) = await ticketing.parked()
        assert await dead_letters.discard(session, parked.fingerprint, "operator", "It was a question mark.") == 1
    assert subjects(await sweep(ticketing, auditor)) == set()


async def test_a_sweep_is_told_to_whoever_shows_it(users: Participant) -> None:
    await sweep(users, Auditor("users", Audit()))
    async with users.sessions.begin() as session:
        (body,) = await session.scalars(text("SELECT body FROM outbox WHERE name = 'InvariantsChecked'"))
    assert InvariantsChecked.model_validate(body).service == "users"


async def test_what_is_found_goes_into_the_log_once(users: Participant) -> None:
    await execute(users, "CREATE TABLE numbers AS SELECT 1 AS number")
    auditor = Auditor("users", Audit((SEEN,), (NUMBERS,)))
    with capture_logs() as logs:
        await sweep(users, auditor)
        await sweep(users, auditor)
        await execute(users, "INSERT INTO numbers VALUES (2)")
        await sweep(users, auditor)
    assert [line["subject"] for line in logs if line["event"] == "invariant violated"] == ["1", "2"]


async def test_a_walk_sees_the_newest_each_time_and_all_others_in_turn(users: Participant) -> None:
    await execute(users, "CREATE TABLE numbers AS SELECT number FROM generate_series(1, 45) AS number")
    auditor = Auditor("users", Audit((SEEN,), (NUMBERS,)))
    seen = [{int(subject) for subject in subjects(await sweep(users, auditor))} for _ in range(5)]
    assert all(set(range(36, 46)) <= one for one in seen)
    assert set().union(*seen[:4]) == set(range(1, 46))
    assert all(len(one) <= 22 for one in seen)
    assert seen[4] == seen[0]


async def test_an_older_sweep_that_comes_late_changes_nothing(ticketing: Participant) -> None:
    outcome = Outcome(invariant="I1", title="Something", violations=[])
    newer = InvariantsChecked(service="users", outcomes=[outcome])
    older = InvariantsChecked(service="users", outcomes=[], occurred_at=newer.occurred_at - timedelta(minutes=1))
    for event in (newer, older):
        async with ticketing.sessions.begin() as session:
            await audit.keep(session, event)
    async with ticketing.sessions.begin() as session:
        assert (await session.get_one(audit.AuditSweep, "users")).checks == [outcome]


async def test_metrics_say_how_many_violations_there_are_and_when_that_was(users: Participant) -> None:
    metrics = Metrics("users")
    await audit.measure(users.sessions, metrics)
    await execute(users, "CREATE TABLE numbers AS SELECT 1 AS number")
    await sweep(users, Auditor("users", Audit((SEEN,), (NUMBERS,))))
    await audit.measure(users.sessions, metrics)
    found = {
        invariant: metrics.registry.get_sample_value(
            "marquee_audit_violations", {"service": "users", "invariant": invariant}
        )
        for invariant in ("I5", "I6")
    }
    assert found == {"I5": 1.0, "I6": 0.0}
    assert metrics.registry.get_sample_value("marquee_audit_checked_at", {"service": "users"})


@pytest.mark.parametrize("age", [0, 4])
async def test_the_summary_for_operators_tells_ok_from_wrong_and_from_too_long_ago(
    users: Participant, age: int
) -> None:
    async with users.sessions.begin() as session:
        assert await audit.summary(session, "users") == (False, ["never audited"])
    await sweep(users, Auditor("users", Audit()))
    await execute(users, f"UPDATE audit_sweep SET checked_at = now() - interval '{age} minutes'")
    async with users.sessions.begin() as session:
        is_well, (first, *checks) = await audit.summary(session, "users")
    assert (is_well, "too long ago" in first) == (age == 0, age > 0)
    assert checks[0].startswith("I6   ok ")
