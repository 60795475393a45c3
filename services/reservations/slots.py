"""How many live holds of a showtime one user may have: as many as there are slots, and a key decides."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.reservations.models import Hold
from services.shared.db import settings_of


@dataclass(frozen=True)
class Patience:
    """How many holds of a showtime somebody may let go unpaid within some minutes before they have to pause."""

    holds: int
    minutes: int
    lapsed: bool
    """Whether only those count whose time has run out."""


# People change their minds within minutes; seats that lapse again and again are kept from everybody else meanwhile.
PATIENCE = [Patience(10, 10, lapsed=False), Patience(5, 30, lapsed=True)]

# All slots of the same people are locked, since a pause takes those too.
EMPTY = text("""
    WITH done AS (
        SELECT * FROM unnest(cast(:showtimes AS uuid[]), cast(:users AS uuid[]), cast(:bookings AS uuid[]))
            AS done (showtime_id, user_id, booking_id)
    ), locked AS (
        SELECT showtime_id, user_id, slot, booking_id FROM slot
        WHERE (showtime_id, user_id) IN (SELECT showtime_id, user_id FROM done)
        ORDER BY showtime_id, user_id, slot FOR UPDATE
    )
    UPDATE slot SET held_until = now() FROM locked JOIN done USING (showtime_id, user_id, booking_id)
    WHERE slot.showtime_id = locked.showtime_id AND slot.user_id = locked.user_id AND slot.slot = locked.slot
    AND slot.held_until > now()
""")

# Both slots are taken until the oldest of too many holds is forgotten. Staff, whose holds have slot 0, need no pause.
COOL_DOWN = text("""
    INSERT INTO slot (showtime_id, user_id, slot, held_until)
    SELECT showtime_id, user_id, number, max(released_at + within)
    FROM (
        SELECT DISTINCT * FROM unnest(cast(:showtimes AS uuid[]), cast(:users AS uuid[])) AS pair (showtime_id, user_id)
    ) AS pair, unnest(cast(:allowed AS int[]), cast(:within AS interval[]), cast(:lapsed AS boolean[]))
        AS patience (allowed, within, lapsed), LATERAL (
        SELECT released_at FROM hold
        WHERE hold.user_id = pair.user_id AND hold.showtime_id = pair.showtime_id AND slot > 0
        AND released_at > now() - within AND (released_at >= expires_at OR NOT lapsed)
        ORDER BY released_at DESC OFFSET allowed LIMIT 1
    ) AS oldest, generate_series(1, 2) AS number
    GROUP BY showtime_id, user_id, number ORDER BY showtime_id, user_id, number
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


async def cool_down(session: AsyncSession, holds: Sequence[Hold]) -> None:
    """Let those pause who have held seats and let them go again and again; these holds are their last ones."""
    factor = settings_of(session).rate_limit_factor
    if factor == 0:
        return
    values = {
        "showtimes": [hold.showtime_id for hold in holds],
        "users": [hold.user_id for hold in holds],
        "allowed": [round(patience.holds * factor) for patience in PATIENCE],
        "within": [timedelta(minutes=patience.minutes) for patience in PATIENCE],
        "lapsed": [patience.lapsed for patience in PATIENCE],
    }
    await session.execute(COOL_DOWN, values)
