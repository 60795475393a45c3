"""How many live holds of a showtime one user may have: as many as there are slots, and a key decides."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.reservations.models import Hold
from services.shared.db import settings_of

# So often may somebody hold and give back seats of one showtime within these minutes before they have to pause.
RELEASES = 6
MINUTES = 10

EMPTY = text("""
    WITH mine AS (
        SELECT slot.showtime_id, slot.user_id, slot.slot
        FROM slot JOIN unnest(cast(:showtimes AS uuid[]), cast(:users AS uuid[]), cast(:bookings AS uuid[]))
            AS done (showtime_id, user_id, booking_id) USING (showtime_id, user_id, booking_id)
        ORDER BY 1, 2, 3 FOR UPDATE OF slot
    )
    UPDATE slot SET held_until = now() FROM mine
    WHERE slot.showtime_id = mine.showtime_id AND slot.user_id = mine.user_id AND slot.slot = mine.slot
    AND slot.held_until > now()
""")

# Both slots are taken until the oldest of too many releases is forgotten.
COOL_DOWN = text("""
    INSERT INTO slot (showtime_id, user_id, slot, held_until)
    SELECT :showtime_id, :user_id, number, released_at + cast(:window AS interval)
    FROM generate_series(1, 2) AS number, (
        SELECT released_at FROM hold
        WHERE user_id = :user_id AND showtime_id = :showtime_id AND release_reason = 'customer'
        AND released_at > now() - cast(:window AS interval)
        ORDER BY released_at DESC OFFSET :allowed LIMIT 1
    ) AS oldest
    ORDER BY number
    ON CONFLICT (showtime_id, user_id, slot) DO UPDATE SET booking_id = NULL, held_until = excluded.held_until
    WHERE slot.held_until <= now()
""")


async def empty(session: AsyncSession, holds: Sequence[Hold]) -> None:
    """These holds are no longer live."""
    values = {
        "showtimes": [hold.showtime_id for hold in holds],
        "users": [hold.user_id for hold in holds],
        "bookings": [hold.booking_id for hold in holds],
    }
    await session.execute(EMPTY, values)


async def cool_down(session: AsyncSession, showtime_id: UUID, user_id: UUID) -> None:
    """Let somebody pause who has held and given back seats again and again."""
    factor = settings_of(session).rate_limit_factor
    if factor == 0:
        return
    values = {
        "showtime_id": showtime_id,
        "user_id": user_id,
        "allowed": round(RELEASES * factor),
        "window": f"{MINUTES} min",
    }
    await session.execute(COOL_DOWN, values)
