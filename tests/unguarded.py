"""Marquee with the guards of the seat claim taken away: for the storm's negative control, never for anything else.

`python -m tests.unguarded run ...` is `python -m services run ...` with a claim statement that neither looks whether a
seat is taken nor stumbles over the primary key, which `drop_guard` removes from the database.
"""

import psycopg

from services.__main__ import main
from services.reservations import kept_back, seats


def cut(sql: str, start: str, end: str) -> str:
    """`sql` without what lies between the first `start`, included, and the next `end`. Raises ValueError."""
    first = sql.index(start)
    return sql[:first] + sql[sql.index(end, first) :]


def unguarded(sql: str) -> str:
    without_pre_check = cut(
        sql, "AND NOT EXISTS (\n        SELECT FROM claim", "AND NOT EXISTS (\n        SELECT FROM unnest"
    )
    return unkeyed(without_pre_check)


def unkeyed(sql: str) -> str:
    """Which does not stumble over the missing key either."""
    return cut(sql, "ON CONFLICT (showtime_id, seat_no)", "RETURNING seat_no")


def drop_guard(dsn: str) -> None:
    """Remove the primary key of the claim table: `dsn` is a superuser's."""
    with psycopg.connect(dsn, dbname="app") as connection:
        connection.execute("ALTER TABLE reservations.claim DROP CONSTRAINT claim_pkey")


if __name__ == "__main__":
    seats.HOLD = unguarded(seats.HOLD)
    kept_back.TAKE_OUT = unkeyed(kept_back.TAKE_OUT)
    main()
