"""Looking at dead letters by cause, replaying and discarding them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, delete, func, insert, literal, select, true, union_all, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.shared.db import fire_after_commit
from services.shared.messaging import inbox, outbox
from services.shared.messaging.tables import DeadLetterAction, Outbox, Parked

# The fingerprint of what waits on the sending side: events that the bus refused 20 times.
UNDELIVERABLE = "undeliverable"


@dataclass(frozen=True)
class Cause:
    """Messages of one name that failed alike: how many, since when, and the fingerprint to name them by."""

    fingerprint: str
    name: str
    count: int
    since: datetime
    error: str

    def __str__(self) -> str:
        since = f"{self.since:%Y-%m-%d %H:%M:%S}Z"
        return f"{self.count} x {self.name} since {since} [{self.fingerprint}] {self.error}"


async def causes(session: AsyncSession) -> Sequence[Cause]:
    """What dead letters there are, the largest heap first."""
    parked = select(Parked.fingerprint, Parked.name, Parked.first_at, Parked.error).where(Parked.dead_at.is_not(None))
    refused = select(literal(UNDELIVERABLE), Outbox.name, Outbox.created_at, Outbox.error)
    dead = union_all(parked, refused.where(Outbox.dead_at.is_not(None))).subquery()
    mark, name, first, error = dead.c
    found = select(mark, name, func.count(), func.min(first), func.coalesce(func.max(error), "")).group_by(mark, name)
    return [Cause(*row) for row in await session.execute(found.order_by(func.count().desc(), mark, name))]


async def replay(session: AsyncSession, fingerprint: str, actor: str, reason: str) -> int:
    """Try the dead letters of one cause again from the start; they keep their ids. Returns how many."""
    table, these = await record(session, "replay", fingerprint, actor, reason)
    again = {"dead_at": None, "attempts": 0, "next_at": func.now()}
    await session.execute(update(table).where(table.event_id.in_(these)).values(again))
    fire_after_commit(session, outbox.SIGNAL if table is Outbox else inbox.SIGNAL)
    return len(these)


async def discard(session: AsyncSession, fingerprint: str, actor: str, reason: str) -> int:
    """Drop the dead letters of one cause; the audit trail keeps who and why. Returns how many."""
    table, these = await record(session, "discard", fingerprint, actor, reason)
    await session.execute(delete(table).where(table.event_id.in_(these), table.dead_at.is_not(None)))
    return len(these)


async def record(
    session: AsyncSession, action: str, fingerprint: str, actor: str, reason: str
) -> tuple[type[Outbox | Parked], list[UUID]]:
    """Lock the dead letters of one cause and write down what is done to them; returns where and which they are."""
    table: type[Outbox | Parked] = Outbox if fingerprint == UNDELIVERABLE else Parked
    of_this_cause = true() if table is Outbox else Parked.fingerprint == fingerprint
    dead: Select[Any] = select(table).where(table.dead_at.is_not(None), of_this_cause).with_for_update()
    rows = (await session.scalars(dead)).all()
    facts = {"action": action, "actor": actor, "reason": reason}
    values = [{"event_id": row.event_id, "name": row.name, "error": row.error or "", **facts} for row in rows]
    if values:
        await session.execute(insert(DeadLetterAction), values)
    return table, [row.event_id for row in rows]
