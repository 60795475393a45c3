"""What operators do with messages that nobody could handle: look at them by cause, replay, discard. All audited."""

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.shared.messaging.tables import DeadLetterAction, Parked


async def summary(session: AsyncSession) -> list[str]:
    """One line a cause: how many, since when, the event and the fingerprint to name it by."""
    grouped = (
        select(Parked.fingerprint, Parked.name, func.count(), func.min(Parked.first_at), func.max(Parked.error))
        .where(Parked.dead_at.is_not(None))
        .group_by(Parked.fingerprint, Parked.name)
        .order_by(func.count().desc())
    )
    rows = (await session.execute(grouped)).all()
    return [
        f"{count} x {name} since {first:%Y-%m-%d %H:%M:%S}Z [{mark}] {error}"
        for mark, name, count, first, error in rows
    ]


async def replay(session: AsyncSession, fingerprint: str, actor: str, reason: str) -> int:
    """Try the dead letters of one cause again from the start; they keep their ids. Returns how many."""
    count = await record(session, "replay", fingerprint, actor, reason)
    again = update(Parked).where(Parked.fingerprint == fingerprint, Parked.dead_at.is_not(None))
    await session.execute(again.values(dead_at=None, attempts=0, next_at=func.now()))
    return count


async def discard(session: AsyncSession, fingerprint: str, actor: str, reason: str) -> int:
    """Drop the dead letters of one cause; the audit trail keeps who and why. Returns how many."""
    count = await record(session, "discard", fingerprint, actor, reason)
    await session.execute(delete(Parked).where(Parked.fingerprint == fingerprint, Parked.dead_at.is_not(None)))
    return count


async def record(session: AsyncSession, action: str, fingerprint: str, actor: str, reason: str) -> int:
    dead = select(Parked).where(Parked.fingerprint == fingerprint, Parked.dead_at.is_not(None)).with_for_update()
    rows = (await session.scalars(dead)).all()
    values = [
        {
            "event_id": row.event_id,
            "name": row.name,
            "action": action,
            "actor": actor,
            "reason": reason,
            "error": row.error,
        }
        for row in rows
    ]
    if values:
        await session.execute(insert(DeadLetterAction), values)
    return len(rows)
