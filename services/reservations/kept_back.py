"""Seats that are not for sale: kept back by a manager for one showtime, or out of service in their hall.

A seat that somebody has when its hall takes it out of service stays theirs; when they let it go, it is blocked
(`seats.FREE`) and until then nobody takes it over (`seats.OPEN`). Locks are taken in the order of `seats`.
"""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.reservations.seats import LAPSED, execute

# A repeated block without a reason keeps the first one's.
BLOCK = f"""
INSERT INTO claim (showtime_id, seat_no, status, kept_for)
SELECT %(showtime_id)s, seat_no, 4, %(reason)s FROM unnest(%(seats)s::int[]) AS seat_no ORDER BY seat_no
ON CONFLICT (showtime_id, seat_no) DO UPDATE
SET status = 4, booking_id = NULL, held_until = NULL, generation = claim.generation + (claim.status <> 4)::int,
    kept_for = coalesce(nullif(excluded.kept_for, ''), claim.kept_for, '')
WHERE claim.status IN (0, 4) OR {LAPSED}
RETURNING seat_no
"""  # noqa: S608

UNBLOCK = """
WITH kept AS (
    SELECT seat_no FROM claim
    WHERE showtime_id = %(showtime_id)s AND seat_no = ANY(%(seats)s::int[]) AND status = 4
    ORDER BY seat_no FOR UPDATE
)
UPDATE claim
SET kept_for = NULL, status = CASE WHEN out_of_service THEN 4 ELSE 0 END,
    generation = generation + (NOT out_of_service)::int
FROM kept WHERE claim.showtime_id = %(showtime_id)s AND claim.seat_no = kept.seat_no
RETURNING claim.seat_no
"""

# Seats of a hall's coming showtimes, whatever version they were made with, as the newest one has them by label. Those
# that it no longer has stay as they are.
AS_NEWEST = """
WITH newest AS (
    SELECT label, coalesce(features @> '["out_of_service"]', false) AS out_of_service
    FROM hall JOIN layout ON layout.hall_id = hall.id AND layout.version = hall.layout_version,
        jsonb_to_recordset(layout.seats) AS seat (label text, features jsonb)
    WHERE hall.id = %(hall_id)s
), known AS MATERIALIZED (
    SELECT version, seat_no, out_of_service
    FROM layout, jsonb_to_recordset(layout.seats) AS seat (seat_no int, label text) JOIN newest USING (label)
    WHERE layout.hall_id = %(hall_id)s AND out_of_service = %(out_of_service)s
), coming AS (
    SELECT id AS showtime_id, seat_no FROM showtime JOIN known ON known.version = showtime.layout_version
    WHERE hall_id = %(hall_id)s AND ends_at > now() AND id = coalesce(%(showtime_id)s::uuid, id)
)
"""

TAKE_OUT = f"""
{AS_NEWEST}
INSERT INTO claim (showtime_id, seat_no, status, out_of_service)
SELECT showtime_id, seat_no, 4, true FROM coming ORDER BY showtime_id, seat_no
ON CONFLICT (showtime_id, seat_no) DO UPDATE
SET out_of_service = true, status = CASE claim.status WHEN 0 THEN 4 ELSE claim.status END,
    generation = claim.generation + (claim.status = 0)::int
WHERE NOT claim.out_of_service
RETURNING seat_no
"""  # noqa: S608

PUT_BACK = f"""
{AS_NEWEST}, back AS (
    SELECT showtime_id, seat_no, claim.status = 4 AND kept_for IS NULL AS on_sale
    FROM claim JOIN coming USING (showtime_id, seat_no) WHERE claim.out_of_service
    ORDER BY showtime_id, seat_no FOR UPDATE OF claim
)
UPDATE claim
SET out_of_service = false, status = CASE WHEN on_sale THEN 0 ELSE status END, generation = generation + on_sale::int
FROM back WHERE claim.showtime_id = back.showtime_id AND claim.seat_no = back.seat_no
RETURNING claim.seat_no
"""  # noqa: S608


async def block(session: AsyncSession, showtime_id: UUID, seats: Collection[int], reason: str) -> set[int]:
    """Keep back those of the seats that nobody has; returns them. Whatever is blocked already counts."""
    values = {"showtime_id": showtime_id, "seats": list(seats), "reason": reason, "cut_off": False}
    return set(await execute(session, BLOCK, values))


async def unblock(session: AsyncSession, showtime_id: UUID, seats: Collection[int]) -> None:
    """Put back on sale what a manager has blocked; a seat out of service stays blocked."""
    await execute(session, UNBLOCK, {"showtime_id": showtime_id, "seats": list(seats)})


async def follow_hall(session: AsyncSession, hall_id: UUID, showtime_id: UUID | None = None) -> None:
    """Take seats out of service in a hall's coming showtimes, or in that one, and put those back that are mended.

    The hall's row must be locked. Does nothing for showtimes whose layout has not come.
    """
    for statement, out_of_service in ((TAKE_OUT, True), (PUT_BACK, False)):
        values = {"hall_id": hall_id, "showtime_id": showtime_id, "out_of_service": out_of_service}
        await execute(session, statement, values)
