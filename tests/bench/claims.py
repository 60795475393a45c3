"""Holds a second: over HTTP with token check, idempotency and prices, and the bare statement by pgbench."""

import json
import os
import re
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg
from psycopg.conninfo import make_conninfo

from infra.local.postgres import binary
from services.reservations import seats
from services.shared.events import HeldSeat
from services.shared.testing import token
from tests.bench.load import Result, request, run
from tests.conftest import world_of
from tests.stack import Stack

CLIENTS = 32
HOLDS_PER_CLIENT = 250
SEATS_PER_HOLD = 2
HALL = {"rows": 40, "seats_per_row": 50}
SEATS = 2_000
HOLDS_PER_SHOWTIME = SEATS // SEATS_PER_HOLD
SHOWTIMES = CLIENTS * HOLDS_PER_CLIENT // HOLDS_PER_SHOWTIME
BENCH_SECONDS = 8
# pgbench makes many more holds than HTTP does: showtimes for 20,000 a second.
BENCH_SHOWTIMES = 160
PRICES = [{"category": "standard", "ticket_type": "adult", "amount": 1000}]


@dataclass(frozen=True)
class Sale:
    showtimes: list[str]
    labels: list[str]


async def prepare(stack: Stack) -> Sale:
    """Showtimes of a hall with 2,000 seats, known to reservations."""
    world = world_of(stack)
    manager = world.manager()
    hall = await manager.open_hall(HALL)
    start = (datetime.now(UTC) + timedelta(days=1)).replace(minute=0, second=0, microsecond=0)
    showtimes = []
    for number in range(SHOWTIMES):
        starts_at = (start + timedelta(hours=4 * number)).isoformat()
        showtime = await manager.schedule(hall["id"], starts_at=starts_at, prices=PRICES)
        await world.customer().hold(showtime["id"], ["A1"])
        showtimes.append(showtime["id"])
    layout = await manager.get(f"/api/theaters/halls/{hall['id']}/layouts/1")
    await world.close()
    # A1 is taken by the one who looked whether the showtime is known.
    return Sale(showtimes, [seat["label"] for seat in layout["seats"]][SEATS_PER_HOLD:])


def holds(sale: Sale) -> Iterator[bytes]:
    """Requests for disjoint pairs of seats, each by a customer of its own."""
    for showtime in sale.showtimes:
        for first in range(0, len(sale.labels), SEATS_PER_HOLD):
            pair = sale.labels[first : first + SEATS_PER_HOLD]
            wanted = [{"label": label, "ticket_type": "adult"} for label in pair]
            body = {"showtime_id": showtime, "seats": wanted}
            yield request("POST", "/api/reservations/holds", token(), body, str(uuid4()))


async def over_http(stack: Stack, sale: Sale) -> Result:
    every = list(holds(sale))
    # Neighbouring seats at the same time through different connections, as in a real sale.
    shares = [every[number::CLIENTS] for number in range(CLIENTS)]
    ports = [worker.port for worker in stack.workers if "reservations" in worker.services]
    await run(ports, [[request("GET", "/healthz")] * 20 for _ in range(CLIENTS)])
    result = await run(ports, shares)
    assert set(result.statuses) == {201}, f"not all were held: {dict(result.statuses)}"
    return result


def drain(stack: Stack) -> float:
    """Events a second that the relay moves to the broker, from the moment that the first has left."""
    with psycopg.connect(stack.postgres.dsn, dbname="app", autocommit=True) as connection:
        waiting = first = left(connection)
        while waiting == first:
            time.sleep(0.02)
            waiting = left(connection)
        started, total = time.perf_counter(), waiting
        while waiting:
            time.sleep(0.02)
            waiting = left(connection)
        return total / (time.perf_counter() - started)


def left(connection: psycopg.Connection) -> int:
    row = connection.execute("SELECT count(*) FROM reservations.outbox").fetchone()
    assert row is not None
    return int(row[0])


def pgbench(stack: Stack, sale: Sale) -> float:
    """Transactions a second of the same statement on the same tables, by 32 clients without Python."""
    with psycopg.connect(stack.postgres.dsn, dbname="app") as connection:
        connection.execute(COPY_SHOWTIMES, {"showtime": sale.showtimes[0], "count": BENCH_SHOWTIMES})
        before = count(connection)
    script = stack.folder / "claim.sql"
    script.write_text(SCRIPT.format(clients=CLIENTS, statement=seats.HOLD % EXPRESSIONS))
    where = make_conninfo(stack.postgres.dsn, dbname="app")
    options = ["-n", "-M", "prepared", "-c", CLIENTS, "-j", 2, "-T", BENCH_SECONDS, "-D", "n=-1", "-f", script, where]
    # Plans as in the service: see services/reservations/statements.py. Its role may not open so many connections.
    environment = {**os.environ, "PGOPTIONS": "-c search_path=reservations -c enable_seqscan=off"}
    command = [str(word) for word in (binary("pgbench"), *options)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, env=environment)
    found = re.search(r"tps = ([\d.]+)", done.stdout)
    if done.returncode or found is None:
        raise RuntimeError(f"pgbench failed\n{done.stdout}\n{done.stderr}")
    rate = float(found[1])
    with psycopg.connect(stack.postgres.dsn, dbname="app") as connection:
        made = count(connection) - before
    assert made > 0.9 * rate * BENCH_SECONDS, f"pgbench ran into taken seats: {made} holds at {rate:.0f}/s"
    return rate


def count(connection: psycopg.Connection) -> int:
    row = connection.execute("SELECT count(*) FROM reservations.hold").fetchone()
    assert row is not None
    return int(row[0])


COPY_SHOWTIMES = """
INSERT INTO reservations.showtime
SELECT (jsonb_populate_record(original, jsonb_build_object('id',
    '00000000-0000-7000-8000-' || lpad(number::text, 12, '0')))).*
FROM reservations.showtime AS original, generate_series(0, %(count)s - 1) AS number
WHERE original.id = %(showtime)s::uuid
"""

# Each run of the script takes the next pair of seats, counted over all clients.
SCRIPT = """\\set n :n + 1
\\set pair :n * {clients} + :client_id
\\set showtime :pair / 999
\\set first 3 + 2 * (:pair % 999)
{statement};
"""


def number(kind: int, variable: str = ":pair") -> str:
    """An id that follows from a pgbench variable."""
    return f"('00000000-0000-7000-800{kind}-' || lpad({variable}::text, 12, '0'))::uuid"


TYPICAL_SEATS = [
    HeldSeat(
        seat_no=seat_no,
        label=f"A{seat_no}",
        row="A",
        number=seat_no,
        category="standard",
        ticket_type="adult",
        price=1000,
        currency="EUR",
    ).model_dump()
    for seat_no in (1, 2)
]
EXPRESSIONS = {
    "showtime_id": number(0, ":showtime"),
    "booking_id": number(1),
    "event_id": number(2),
    "user_id": number(3),
    "version": "1",
    "request_id": number(4),
    "seats": "ARRAY[:first, :first + 1]",
    "held_seats": f"'{json.dumps(TYPICAL_SEATS)}'",
    "total": "2000",
    "hold": "'600 s'",
    "grace": "'90 s'",
    "first_slot": "1",
    "last_slot": "2",
    "cut_off": "false",
    "beside": "'{}'",
    "beyond": "'{}'",
    "key": "('key-' || :pair)",
    "digest": "sha256(:pair::text::bytea)",
}
