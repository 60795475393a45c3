"""What the auditor asks of reservations' tables: claims, holds, and the copies of tickets that ushers see."""

# ruff: noqa: S608 - what is put together here are parts of our own

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.shared.audit import Audit, Check, Found, Values, Walk, ask

NIL = UUID(int=0)
HOLDS = Walk("hold", "booking_id", first=NIL, step=1000)
SHOWTIMES = Walk("showtime", "id", first=NIL, step=50)

TWO_CLAIMS = f"""
    SELECT showtime_id, format('seat %s is claimed %s times: %s', seat_no, count(*), string_agg(booking_id::text, ', '))
    FROM claim WHERE {SHOWTIMES.within("showtime_id")} GROUP BY showtime_id, seat_no HAVING count(*) > 1
"""

# Each seat that a hold was sold, the one instead of it where a rescue had to replace it, with its claim and tickets. In
# cancelled showtimes nobody cares who has a seat.
TICKETS_OF_SOLD = f"""
    WITH sold AS MATERIALIZED (
        SELECT hold.showtime_id, hold.booking_id, (seat ->> 'seat_no')::int AS seat_no, seat ->> 'label' AS label
        FROM hold JOIN showtime ON showtime.id = hold.showtime_id AND showtime.status <> 'cancelled'
        CROSS JOIN LATERAL (
            SELECT coalesce(replaced -> (held ->> 'label'), held) FROM jsonb_array_elements(seats) AS held
        ) AS seat_or_other (seat)
        WHERE hold.status = 'sold' AND coalesce(sold_at, created_at) < now() - :dust AND {HOLDS.within("booking_id")}
    ), told AS (
        SELECT booking_id, label, 3 IS NOT DISTINCT FROM (
            SELECT status FROM claim
            WHERE claim.showtime_id = sold.showtime_id AND claim.seat_no = sold.seat_no
            AND claim.booking_id = sold.booking_id
        ) AS is_sold, (
            SELECT min(ticket_id::text) FROM ticket
            WHERE ticket.booking_id = sold.booking_id AND ticket.seat_no = sold.seat_no AND NOT voided
        ) AS live, EXISTS (
            SELECT FROM ticket WHERE ticket.booking_id = sold.booking_id AND ticket.seat_no = sold.seat_no
        ) AS was_issued
        FROM sold
    )
    SELECT booking_id, CASE
        WHEN is_sold THEN format('seat %s is sold and has no live ticket', label)
        ELSE format('seat %s is not sold to the holder of %s', label, coalesce('ticket ' || live, 'no ticket either'))
    END
    FROM told WHERE CASE WHEN is_sold THEN live IS NULL ELSE live IS NOT NULL OR NOT was_issued END
"""

SOLD_TO_NOBODY = f"""
    SELECT claim.booking_id, format('seat %s of showtime %s is sold to it, its hold is %s', seat_no, claim.showtime_id,
        coalesce(hold.status, 'missing'))
    FROM claim LEFT JOIN hold USING (booking_id)
    WHERE claim.status = 3 AND hold.status IS DISTINCT FROM 'sold' AND {SHOWTIMES.within("claim.showtime_id")}
"""

LOST_HOLDS = """
    SELECT booking_id, format('seat %s of its live hold is not its own', seat ->> 'label')
    FROM hold CROSS JOIN LATERAL jsonb_array_elements(seats) AS seat
    WHERE hold.status IN ('held', 'paying') AND held_until > now() + interval '1 second' AND NOT EXISTS (
        SELECT FROM claim
        WHERE claim.showtime_id = hold.showtime_id AND claim.seat_no = (seat ->> 'seat_no')::int
        AND claim.booking_id = hold.booking_id AND claim.status IN (1, 2))
"""

# The heart beats while this service hears the bus; after a silence the clocks are put forward in the same transaction.
HEARS = "EXISTS (SELECT FROM heartbeat WHERE seen_at > now() - interval '5 seconds')"

OVERDUE_CLAIMS = f"""
    SELECT booking_id, format('seat %s of showtime %s is held, its time was up at %s', seat_no, showtime_id,
        date_trunc('second', held_until))
    FROM claim WHERE status IN (1, 2) AND held_until < now() - interval '5 seconds' AND {HEARS}
"""

OVERDUE_HOLDS = f"""
    SELECT booking_id, format('is %s, its time was up at %s', status, date_trunc('second', held_until))
    FROM hold WHERE status IN ('held', 'paying') AND held_until < now() - interval '5 seconds' AND {HEARS}
"""

VERSIONS = f"""
    SELECT showtime.id, coalesce(sum(claim.generation), 0)::bigint
    FROM showtime LEFT JOIN claim ON claim.showtime_id = showtime.id
    WHERE showtime.ends_at > now() AND {SHOWTIMES.within("showtime.id")} GROUP BY showtime.id
"""

FALLEN = ask(f"""
    SELECT showtime_id, format('its map was at version %s and is at %s', seen.version, current.version)
    FROM ({VERSIONS}) AS current (showtime_id, version) JOIN map_version AS seen USING (showtime_id)
    WHERE current.version < seen.version
""")

REMEMBER = text(f"""
    INSERT INTO map_version AS seen (showtime_id, version) {VERSIONS} ORDER BY 1
    ON CONFLICT (showtime_id) DO UPDATE SET version = excluded.version WHERE seen.version < excluded.version
""")


async def fallen_versions(session: AsyncSession, values: Values) -> Found:
    """Against the highest version that any sweep has seen, which outlives a restore of the claims alone."""
    found = await FALLEN(session, values)
    await session.execute(REMEMBER, values)
    return found


AUDIT = Audit(
    walks=(HOLDS, SHOWTIMES),
    checks=(
        Check("I1", "No seat has two claims", ask(TWO_CLAIMS)),
        Check("I4", "Sold seats have live tickets, and live tickets their seats", ask(TICKETS_OF_SOLD)),
        Check("I4", "Every sold seat is sold to a hold that bought it", ask(SOLD_TO_NOBODY)),
        Check("I7", "Every live hold has its seats", ask(LOST_HOLDS)),
        Check("I8", "No seat is held when its time is up", ask(OVERDUE_CLAIMS)),
        Check("I8", "No hold lives when its time is up", ask(OVERDUE_HOLDS)),
        Check("I11", "No version of a seat map falls", fallen_versions),
    ),
)
