"""The event log: what has been published, by day, and how to send it again."""

from datetime import UTC, date, datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, insert, select, text
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from services.shared import pruning
from services.shared.db import Sessions
from services.shared.ids import earliest
from services.shared.messaging.outbox import wake_relay
from services.shared.messaging.tables import EventLog, Inbox, Outbox

KEPT = timedelta(days=14)
# An event that is sent again on its last day in the log may wait in queues for as long again.
REMEMBERED = 2 * KEPT
AHEAD_DAYS = 7
LOCK = text("SELECT pg_advisory_xact_lock(hashtext('marquee.history ' || current_schema()))")


async def replay(session: AsyncSession, since: datetime) -> int:
    """Send everything again that was published since then, with the same ids: who has seen an event ignores it.

    Events older than 14 days are left out, since inboxes do not remember them for ever. Returns how many events were
    put back into the outbox.
    """
    names = ["event_id", "name", "body", "headers", "created_at"]
    young = EventLog.event_id >= earliest(datetime.now(UTC) - KEPT)
    logged = select(*(getattr(EventLog, name) for name in names)).where(EventLog.published_at >= since, young)
    once = logged.ext(distinct_on(EventLog.event_id)).order_by(EventLog.event_id)
    again = insert(Outbox).from_select(names, once).execution_options(preserve_rowcount=True)
    result = await session.execute(again)
    wake_relay(session)
    return cast("CursorResult[Any]", result).rowcount


async def keep_history(session: AsyncSession) -> None:
    """Make the log's next days, drop those older than 14.

    Safe to run at any time and by several processes at once.
    """
    await session.execute(LOCK)
    today = datetime.now(UTC).date()
    there = await days(session)
    for ahead in range(AHEAD_DAYS + 1):
        if partition(today + timedelta(days=ahead)) not in there:
            await make_day(session, today + timedelta(days=ahead))
    for name in there:
        if name < partition(today - KEPT):
            await session.execute(text(f"DROP TABLE {name}"))
    strays = text("DELETE FROM event_log_default WHERE published_at < :oldest")
    await session.execute(strays, {"oldest": datetime.now(UTC) - KEPT})


async def make_day(session: AsyncSession, day: date) -> None:
    """PostgreSQL refuses a partition whose rows already stand in the default one, so such a day stays there."""
    end = day + timedelta(days=1)
    stray = text("SELECT 1 FROM event_log_default WHERE published_at >= :day AND published_at < :end LIMIT 1")
    if await session.scalar(stray, {"day": day, "end": end}) is None:
        statement = f"CREATE TABLE {partition(day)} PARTITION OF event_log FOR VALUES FROM ('{day}') TO ('{end}')"
        await session.execute(text(statement))


async def days(session: AsyncSession) -> list[str]:
    """The names of the day partitions, oldest first."""
    listed = text(
        "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
        " WHERE i.inhparent = 'event_log'::regclass AND c.relname <> 'event_log_default' ORDER BY 1"
    )
    return list(await session.scalars(listed))


async def prune_inbox(sessions: Sessions) -> None:
    """Forget events that were handled, 28 days after they were born: ids are in that order, and need no other index."""
    await pruning.prune(sessions, Inbox, Inbox.event_id < earliest(datetime.now(UTC) - REMEMBERED))


def partition(day: date) -> str:
    return f"event_log_{day:%Y%m%d}"
