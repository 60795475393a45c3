"""Time that this service could not hear the bus does not count against those who hold seats."""

from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

LONGEST_PAUSE = timedelta(seconds=5)

BEAT = text("INSERT INTO heartbeat (id, seen_at) VALUES (1, now()) ON CONFLICT (id) DO UPDATE SET seen_at = now()")

# The row lock lets one process do it; the next finds the beat just made. Holds that began during the outage have
# missed only what came after them.
CREDIT = text("""
    WITH outage AS (
        SELECT seen_at FROM heartbeat WHERE id = 1 AND seen_at < now() - cast(:pause AS interval) FOR UPDATE
    ), live AS (
        UPDATE hold SET held_until = held_until + (now() - greatest(outage.seen_at, created_at))
        FROM outage WHERE status IN ('held', 'paying') AND held_until > outage.seen_at
        RETURNING showtime_id, booking_id, user_id, slot, held_until
    ), slots AS (
        UPDATE slot SET held_until = live.held_until FROM live
        WHERE slot.showtime_id = live.showtime_id AND slot.user_id = live.user_id AND slot.slot = live.slot
        AND slot.booking_id = live.booking_id
    ), claims AS (
        UPDATE claim SET held_until = live.held_until FROM live
        WHERE claim.showtime_id = live.showtime_id AND claim.booking_id = live.booking_id AND claim.status IN (1, 2)
    )
    SELECT count(*) FROM live
""")


async def beat(session: AsyncSession) -> int:
    """This service has read all its messages; returns how many holds were given back the time of an outage."""
    credited = await session.scalar(CREDIT, {"pause": LONGEST_PAUSE})
    await session.execute(BEAT)
    return credited or 0
