"""Forgetting a user in what every service keeps beside its own tables: events, mails, stored answers.

Each service that hears UserErased calls `forget` in its handler, and users itself when it erases. What was published
stays what it was but for the texts that its class calls `personal`, so that a replay brings nobody back.
"""

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.shared import idempotency, mail
from services.shared.events import EVENTS
from services.shared.messaging.tables import EventLog, Outbox, Parked


async def forget(session: AsyncSession, user_id: UUID) -> None:
    await mail.forget(session, user_id)
    await idempotency.forget(session, user_id)
    await blank_events(session, user_id)
    await blank_parked(session, user_id)


async def blank_events(session: AsyncSession, user_id: UUID) -> None:
    """What is sent or waits to be. The outbox first: what the relay moves meanwhile stands in the log by then."""
    for table in (Outbox, EventLog):
        for name, blank in blanks():
            theirs = update(table).where(table.body["user_id"].astext == str(user_id), table.name == name)
            await session.execute(theirs.values(body=table.body.concat(blank)))


async def blank_parked(session: AsyncSession, user_id: UUID) -> None:
    """What came and could not be handled, whoever published it; its error may quote it."""
    about = select(Parked).where(text("position(:id IN body) > 0").bindparams(id=str(user_id).encode()))
    known = dict(blanks())
    for row in await session.scalars(about.with_for_update()):
        row.body, row.error = blanked(row.body, known.get(row.name, {})), row.fingerprint


def blanks() -> Iterator[tuple[str, dict[str, str]]]:
    """For each kind of event with personal texts, empty ones."""
    for name, event in EVENTS.items():
        if event.personal:
            yield name, dict.fromkeys(event.personal, "")


def blanked(body: bytes, blank: dict[str, str]) -> bytes:
    """A body that is no JSON object can be of no use to anybody."""
    try:
        value: Any = json.loads(body)
    except ValueError:
        return b"{}"
    return json.dumps({**value, **blank}).encode() if isinstance(value, dict) else b"{}"
