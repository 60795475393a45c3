"""How long the auditor's sweep keeps the database busy, with 100,000 orders on the books and nothing wrong."""

import asyncio
import time
from collections.abc import Iterator
from statistics import median
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.datastructures import State

from services.reservations.audit import AUDIT as RESERVATIONS
from services.shared import db
from services.shared.audit import Audit, Auditor, AuditSweep
from services.shared.jobs import Work
from services.shared.settings import Settings
from services.shared.signals import Signals
from services.shared.testing import environment
from services.ticketing import chain
from services.ticketing.audit import AUDIT as TICKETING
from tests.bench import reports
from tests.stack import Stack

PROMISED_SECONDS = 0.4
ROUNDS = 9
AUDITS = {"ticketing": TICKETING, "reservations": RESERVATIONS}


class Entry(NamedTuple):
    """What a seal covers."""

    id: int
    booking_id: UUID | None
    cause: str
    account: str
    amount: int
    currency: str
    at: Any


def fill(stack: Stack) -> None:
    """The orders of the reports, with all that belongs to them in both services. No service may run."""
    reports.fill(stack)
    with psycopg.connect(stack.postgres.dsn, dbname="app", autocommit=True) as connection:
        connection.execute("SET search_path TO ticketing")
        for statement in FILL:
            connection.execute(statement)
        seal(connection)
        connection.execute("VACUUM ANALYZE")


def seal(connection: psycopg.Connection) -> None:
    rows = connection.execute(
        "SELECT id, booking_id, cause, account, amount, currency, at FROM ledger_entry ORDER BY id"
    )
    with connection.cursor().copy("COPY ledger_seal (number, entry_id, hash) FROM STDIN") as copy:
        for row in seals(Entry(*row) for row in rows.fetchall()):
            copy.write_row(row)


def seals(entries: Iterator[Entry]) -> Iterator[tuple[int, int, bytes]]:
    previous = chain.FIRST
    for number, entry in enumerate(entries, 1):
        previous = chain.link(previous, number, entry)  # type: ignore[arg-type]  # it has all that is asked of it
        yield number, entry.id, previous


async def sweep(stack: Stack, service: str, audit: Audit) -> float:
    """Seconds that a sweep's statements take, the median. Raises AssertionError if something is found."""
    with environment(stack.environment()):
        settings = Settings.load(service)
    engine = db.connect(settings)
    sessions = db.Sessions(engine, settings, Signals())
    statements, auditor, taken = timed(engine), Auditor(service, audit), []
    try:
        for _ in range(ROUNDS):
            statements.clear()
            await auditor.audit(Work(sessions, State()))
            taken.append(sum(statements))
            async with sessions.begin() as session:
                last = await session.get_one(AuditSweep, service)
            assert [one for one in last.checks if one.violations] == []
    finally:
        await engine.dispose()
    return median(taken)


def timed(engine: AsyncEngine) -> list[float]:
    """Grows by the seconds that each of the engine's statements takes."""
    seconds: list[float] = []

    def begin(*arguments: Any) -> None:
        arguments[4].started = time.perf_counter()

    def end(*arguments: Any) -> None:
        seconds.append(time.perf_counter() - arguments[4].started)

    event.listen(engine.sync_engine, "before_cursor_execute", begin)
    event.listen(engine.sync_engine, "after_cursor_execute", end)
    return seconds


def measure(stack: Stack) -> dict[str, float]:
    return {service: asyncio.run(sweep(stack, service, audit)) for service, audit in AUDITS.items()}


FILL = (
    """
    INSERT INTO intent (id, booking_id, number, amount, currency, status, stripe_id, key_number, seen_at)
    SELECT uuidv7(), booking_id, 1, paid, currency, 'succeeded', 'pi_' || md5(booking_id::text), 1, paid_at
    FROM orders WHERE method = 'card'
    """,
    "UPDATE orders SET intent_id = intent.id FROM intent WHERE intent.booking_id = orders.booking_id",
    """
    INSERT INTO statement_line (id, kind, payment_id, booking_id, amount, currency, status, cause, seen_at)
    SELECT stripe_id, 'payment', stripe_id, booking_id, amount, currency, 'succeeded', 'received:' || stripe_id, seen_at
    FROM intent ORDER BY seen_at
    """,
    "UPDATE watermark SET at = now()",
    """
    INSERT INTO ledger_entry (booking_id, cause, account, amount, currency, at)
    SELECT booking_id, cause, account, amount, 'EUR', paid_at
    FROM (
        SELECT orders.*, 'received:' || coalesce(intent.stripe_id, booking_id::text) AS received, refund.id AS refund_id
        FROM orders LEFT JOIN intent USING (booking_id) LEFT JOIN refund USING (booking_id)
    ) AS facts, LATERAL (VALUES
        (received, CASE method WHEN 'card' THEN 'clearing' WHEN 'cash' THEN 'till' ELSE 'coins' END, paid),
        (received, 'customer', -paid),
        ('sold:' || booking_id, 'customer', paid), ('sold:' || booking_id, 'revenue', -paid),
        ('owed:' || refund_id, 'refunds', paid), ('owed:' || refund_id, 'customer', -paid),
        ('returned:' || refund_id || ':1', 'customer', paid), ('returned:' || refund_id || ':1', 'coins', -paid)
    ) AS side (cause, account, amount)
    WHERE paid > 0 AND cause IS NOT NULL ORDER BY booking_id
    """,
    """
    INSERT INTO saga_log (booking_id, from_state, trigger, to_state, cause, facts, at)
    SELECT booking_id, 'before', 'some', to_state, 'clock', '{}', created_at
    FROM orders, LATERAL (VALUES (1, 'awaiting_payment'), (2, 'paid'), (3, status)) AS step (number, to_state)
    ORDER BY booking_id, number
    """,
    "INSERT INTO hold SELECT booking_id, NULL FROM orders",
    """
    INSERT INTO wallet_entry (id, user_id, amount, reason, reference)
    SELECT id, id, 500, 'welcome', id::text
    FROM (SELECT uuidv7(-n * interval '2 min') FROM generate_series(1, 40000) AS n) AS users (id)
    """,
    "INSERT INTO wallet SELECT user_id, amount FROM wallet_entry",
    """
    INSERT INTO reservations.showtime (id, version, hall_id, layout_version, capacity, ends_at, sales_close_at,
        single_seat_rule, currency, prices, facts)
    SELECT id, 1, (hall ->> 'id')::uuid, 1, 250, now() + interval '1 day', starts_at, true, 'EUR', '[]', '{}'
    FROM showtime
    """,
    """
    INSERT INTO reservations.hold (booking_id, user_id, showtime_id, slot, wanted, claimed, seats, total, currency,
        status, created_at, expires_at, held_until, sold_at)
    SELECT booking_id, user_id, showtime_id, 1, jsonb_array_length(seats), jsonb_array_length(seats), seats, total,
        currency, CASE status WHEN 'expired' THEN 'released' ELSE 'sold' END, created_at,
        expires_at, expires_at, paid_at
    FROM orders
    """,
    """
    INSERT INTO reservations.ticket (showtime_id, ticket_id, seat_no, booking_id, user_id, voided)
    SELECT showtime_id, id, seat_no, booking_id, user_id, status = 'void' FROM ticket
    """,
    """
    INSERT INTO reservations.claim (showtime_id, seat_no, generation, status, booking_id)
    SELECT showtime_id, seat_no, 3, CASE status WHEN 'void' THEN 0 ELSE 3 END,
        CASE status WHEN 'void' THEN NULL ELSE booking_id END
    FROM ticket
    """,
    "UPDATE reservations.heartbeat SET seen_at = now()",
)
