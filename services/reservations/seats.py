"""Who gets a seat: every statement that gives or takes a customer's seat stands here, and nothing else decides.

The primary key `(showtime_id, seat_no)` is the lock. Time is the database's. Seats are always locked in the order of
their numbers, so that overlapping groups wait for one another but never in a circle.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.errors import DeadlockDetected, IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from services.reservations.models import SeatStatus
from services.reservations.statements import Statements
from services.shared.events import HeldSeat
from services.shared.ids import new_id
from services.shared.logging import request_id

# A hold whose time is up. One whose payment has started stays while this process cannot hear how it ended.
LAPSED = """(claim.held_until <= now()
    AND (claim.status = 1 OR claim.status = 2 AND NOT %(cut_off)s::bool))"""
# A claim that may be taken over.
OPEN = f"(claim.status = 0 OR NOT claim.out_of_service AND {LAPSED})"

# One statement, so all or nothing without BEGIN and COMMIT.
# gate:    the showtime is on sale at these prices, the seats are open, no single seat is left, the key is new. Most
#          losers end here, without a lock: an upsert on a taken seat would queue up for its row (900/s, not 50,000/s).
# place:   one of the user's two slots; staff (slots 0 to 0) need none.
# claimed: the seats. Whoever comes in between gate and here leaves us with fewer rows than we wanted.
# hold:    its CHECK (claimed = wanted), its NOT NULL slot and its unique key then undo everything.
HOLD = f"""
WITH gate AS MATERIALIZED (
    SELECT facts, currency, now() + %(hold)s::interval AS expires_at,
        now() + %(hold)s::interval + %(grace)s::interval AS held_until
    FROM showtime
    WHERE id = %(showtime_id)s AND version = %(version)s AND status = 'scheduled' AND now() < sales_close_at
    AND NOT EXISTS (
        SELECT FROM claim
        WHERE showtime_id = %(showtime_id)s AND seat_no = ANY(%(seats)s::int[]) AND NOT {OPEN})
    AND NOT EXISTS (
        SELECT FROM unnest(%(beside)s::int[], %(beyond)s::int[]) AS edge (beside, beyond)
        WHERE NOT EXISTS (
            SELECT FROM claim WHERE showtime_id = %(showtime_id)s AND seat_no = edge.beside AND NOT {OPEN})
        AND (edge.beyond IS NULL OR EXISTS (
            SELECT FROM claim WHERE showtime_id = %(showtime_id)s AND seat_no = edge.beyond AND NOT {OPEN})))
    AND NOT EXISTS (SELECT FROM hold WHERE user_id = %(user_id)s AND idempotency_key = %(key)s::text)
), place AS (
    SELECT number FROM gate, generate_series(%(first_slot)s::int, %(last_slot)s::int) AS number
    WHERE NOT EXISTS (
        SELECT FROM slot
        WHERE showtime_id = %(showtime_id)s AND user_id = %(user_id)s AND slot = number AND held_until > now())
    ORDER BY number LIMIT 1
), claimed AS (
    INSERT INTO claim (showtime_id, seat_no, status, booking_id, held_until)
    SELECT %(showtime_id)s, seat_no, 1, %(booking_id)s, held_until
    FROM gate, place, unnest(%(seats)s::int[]) AS seat_no
    ORDER BY seat_no
    ON CONFLICT (showtime_id, seat_no) DO UPDATE
    SET status = 1, booking_id = excluded.booking_id, held_until = excluded.held_until,
        generation = claim.generation + 1
    WHERE {OPEN}
    RETURNING seat_no
), slotted AS (
    INSERT INTO slot (showtime_id, user_id, slot, booking_id, held_until)
    SELECT %(showtime_id)s, %(user_id)s, number, %(booking_id)s, held_until FROM gate, place
    WHERE number > 0 AND (SELECT count(*) FROM claimed) = cardinality(%(seats)s::int[])
    ON CONFLICT (showtime_id, user_id, slot) DO UPDATE
    SET booking_id = excluded.booking_id, held_until = excluded.held_until
    WHERE slot.held_until <= now()
    RETURNING slot
), held AS (
    INSERT INTO hold (booking_id, user_id, showtime_id, slot, wanted, claimed, seats, total, currency,
        expires_at, held_until, idempotency_key, body_digest)
    SELECT %(booking_id)s, %(user_id)s, %(showtime_id)s,
        coalesce((SELECT slot FROM slotted), CASE number WHEN 0 THEN 0 END),
        cardinality(%(seats)s::int[]), (SELECT count(*) FROM claimed),
        %(held_seats)s::jsonb, %(total)s, currency, expires_at, held_until, %(key)s::text, %(digest)s::bytea
    FROM gate, place
    RETURNING expires_at
)
INSERT INTO outbox (event_id, name, body, headers)
SELECT %(event_id)s, 'SeatHeld',
    facts || jsonb_build_object('id', %(event_id)s::uuid, 'occurred_at', now(), 'version', 1,
        'booking_id', %(booking_id)s::uuid, 'user_id', %(user_id)s::uuid, 'showtime_id', %(showtime_id)s::uuid,
        'seats', %(held_seats)s::jsonb, 'total', %(total)s::int, 'currency', currency, 'expires_at', held.expires_at),
    jsonb_build_object('request_id', %(request_id)s::text, 'booking_id', %(booking_id)s::uuid, 'occurred_at', now())
FROM gate, held
RETURNING (SELECT expires_at FROM held)
"""  # noqa: S608

# Seats of bookings whose clock may be long over. The fence: each must still bear that booking's id, which is never
# given out twice, and one of `statuses`.
CHANGE = """
WITH mine AS (
    SELECT claim.showtime_id, claim.seat_no
    FROM claim JOIN unnest(%(showtimes)s::uuid[], %(bookings)s::uuid[], %(seats)s::int[])
        AS wanted (showtime_id, booking_id, seat_no) USING (showtime_id, seat_no, booking_id)
    WHERE claim.status = ANY(%(statuses)s::smallint[])
    ORDER BY claim.showtime_id, claim.seat_no FOR UPDATE OF claim
)
UPDATE claim SET {change} FROM mine
WHERE claim.showtime_id = mine.showtime_id AND claim.seat_no = mine.seat_no
RETURNING claim.seat_no
"""
FREE = CHANGE.format(
    change="""status = CASE WHEN out_of_service THEN 4 ELSE 0 END,
    booking_id = NULL, held_until = NULL, generation = generation + 1"""
)
# Held and paying look the same from outside, so the map's version stays.
PAY = CHANGE.format(change="status = 2")

# Seats for a payment: its own, or what is open, whatever held it before.
SELL = f"""
INSERT INTO claim (showtime_id, seat_no, status, booking_id)
SELECT %(showtime_id)s, seat_no, 3, %(booking_id)s FROM unnest(%(seats)s::int[]) AS seat_no ORDER BY seat_no
ON CONFLICT (showtime_id, seat_no) DO UPDATE
SET status = 3, booking_id = excluded.booking_id, held_until = NULL, generation = claim.generation + 1
WHERE {OPEN} OR claim.booking_id = excluded.booking_id AND claim.status IN (1, 2)
RETURNING seat_no
"""  # noqa: S608

TAKEN = f"""
SELECT seat_no FROM claim
WHERE showtime_id = %(showtime_id)s AND NOT {OPEN} AND NOT (booking_id = %(booking_id)s AND status IN (1, 2))
"""  # noqa: S608

# Everything a hold may have been refused for, in one look.
LOOK = f"""
SELECT version, status = 'scheduled' AND now() < sales_close_at,
    ARRAY(SELECT seat_no FROM claim WHERE showtime_id = %(showtime_id)s AND NOT {OPEN}),
    (SELECT count(*) FROM slot
        WHERE showtime_id = %(showtime_id)s AND user_id = %(user_id)s AND held_until > now()),
    (SELECT extract(epoch FROM min(held_until) - now())::float FROM slot
        WHERE showtime_id = %(showtime_id)s AND user_id = %(user_id)s AND held_until > now() AND booking_id IS NULL),
    EXISTS (SELECT FROM hold WHERE user_id = %(user_id)s AND idempotency_key = %(key)s::text)
FROM showtime WHERE id = %(showtime_id)s
"""  # noqa: S608


@dataclass(frozen=True)
class Wish:
    """What one hold asks of the database; see HOLD. `hold` and `grace` in seconds, `total` in minor units."""

    showtime_id: UUID
    version: int
    user_id: UUID
    seats: Sequence[HeldSeat]
    total: int
    hold: float
    grace: float
    is_staff: bool = False
    cut_off: bool = False
    edges: Sequence[tuple[int, int | None]] = ()
    key: str | None = None
    digest: bytes | None = None
    booking_id: UUID = field(default_factory=new_id)

    def values(self) -> dict[str, Any]:
        slots = (0, 0) if self.is_staff else (1, 2)
        return {
            "showtime_id": self.showtime_id,
            "version": self.version,
            "user_id": self.user_id,
            "booking_id": self.booking_id,
            "event_id": new_id(),
            "request_id": request_id(),
            "seats": sorted(seat.seat_no for seat in self.seats),
            "held_seats": json.dumps([seat.__dict__ for seat in self.seats]),
            "total": self.total,
            "hold": f"{self.hold} s",
            "grace": f"{self.grace} s",
            "first_slot": slots[0],
            "last_slot": slots[1],
            "cut_off": self.cut_off,
            "beside": [beside for beside, _ in self.edges],
            "beyond": [beyond for _, beyond in self.edges],
            "key": self.key,
            "digest": self.digest,
        }


@dataclass(frozen=True)
class Claimed:
    """A seat that a booking has, or had."""

    showtime_id: UUID
    booking_id: UUID
    seat_no: int


async def hold(statements: Statements, wish: Wish) -> datetime | None:
    """Hold all the seats, or none: then None. Returns when the hold expires. Raises ServiceUnavailable."""
    try:
        rows = await statements.fetch(HOLD, wish.values())
    except (IntegrityError, DeadlockDetected):
        # Somebody came between the gate and the claim, and the row of the hold refused to be written.
        return None
    return rows[0][0] if rows else None


@dataclass(frozen=True)
class Situation:
    """How a showtime stands for one user: `taken` seats, `slots` in use, seconds of a cool-down."""

    version: int
    sales_open: bool
    taken: frozenset[int]
    slots: int
    cooling: float | None
    key_used: bool


async def look(
    statements: Statements, showtime_id: UUID, user_id: UUID, key: str | None, *, cut_off: bool
) -> Situation | None:
    """None if there is no such showtime. Raises ServiceUnavailable."""
    values = {"showtime_id": showtime_id, "user_id": user_id, "key": key, "cut_off": cut_off}
    for version, sales_open, taken_seats, *user in await statements.fetch(LOOK, values):
        return Situation(version, sales_open, frozenset(taken_seats), *user)
    return None


async def free(session: AsyncSession, claims: Iterable[Claimed], *statuses: SeatStatus) -> list[int]:
    """Let go of those claims that are still in one of `statuses`; returns their seats."""
    return await change(session, FREE, claims, *statuses)


async def start_payment(session: AsyncSession, claims: Iterable[Claimed]) -> None:
    """From now on only ticketing lets these claims go before the grace ends."""
    await change(session, PAY, claims, SeatStatus.held)


async def change(session: AsyncSession, sql: str, claims: Iterable[Claimed], *statuses: SeatStatus) -> list[int]:
    listed = list(claims)
    values = {
        "showtimes": [claim.showtime_id for claim in listed],
        "bookings": [claim.booking_id for claim in listed],
        "seats": [claim.seat_no for claim in listed],
        "statuses": [int(status) for status in statuses],
    }
    return await execute(session, sql, values)


async def sell(session: AsyncSession, showtime_id: UUID, seats: Sequence[int], booking_id: UUID) -> bool:
    """Sell what `booking_id` still holds, or open seats. All or nothing: a savepoint undoes a part.

    Only handlers do this, who hear from the bus: nobody is cut off here.
    """
    values = {"showtime_id": showtime_id, "seats": list(seats), "booking_id": booking_id, "cut_off": False}
    async with session.begin_nested() as savepoint:
        if len(await execute(session, SELL, values)) == len(seats):
            return True
        await savepoint.rollback()
        return False


async def taken(session: AsyncSession, showtime_id: UUID, booking_id: UUID) -> set[int]:
    """The seats that a late payment of `booking_id` cannot have."""
    values = {"showtime_id": showtime_id, "booking_id": booking_id, "cut_off": False}
    return set(await execute(session, TAKEN, values))


async def execute(session: AsyncSession, sql: str, values: dict[str, Any]) -> list[int]:
    """The first column of what a statement returns."""
    connection = await session.connection()
    return list((await connection.exec_driver_sql(sql, values)).scalars())
