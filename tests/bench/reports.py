"""100,000 orders of two months, and how long managers wait for reports and searches over them."""

import time
from statistics import median

import httpx
import psycopg

from infra.local.testing import NO_TLS
from services.shared.auth import Role
from services.shared.testing import token
from tests.stack import Stack

ORDERS = 100_000
CUSTOMERS = 40_000
# Two months, forty a day in eight theaters.
SHOWTIMES = 2_400
GROUPS = ("day", "movie", "theater", "showtime", "hour", "method")
SEARCHES = {
    "part of a name": {"query": "ily 77"},
    "mail address": {"query": "person123@people.example"},
    "nobody": {"query": "no such person"},
    "everybody": {"query": "person"},
    "failed refunds": {"status": "refund_failed"},
    "past and cancelled": {"status": "cancelled", "when": "past"},
}
ROUNDS = 5


def fill(stack: Stack) -> None:
    sizes = {"orders": ORDERS, "customers": CUSTOMERS, "showtimes": SHOWTIMES}
    with connect(stack) as connection:
        for statement in FILL:
            connection.execute(statement, sizes)
            connection.execute("ANALYZE")
        connection.execute("VACUUM orders, ticket, refund, customer, showtime")


def measure(stack: Stack) -> tuple[dict[str, float], float]:
    """Seconds, medians: of each request, and of one plain walk through all orders."""
    headers = {"Authorization": f"Bearer {token(Role.manager)}"}
    with httpx.Client(base_url=stack.worker("ticketing").url, headers=headers, verify=NO_TLS, timeout=30) as client:
        first, last = span(stack)
        found = {
            f"report by {group}": timed(
                client, "/api/ticketing/reports/sales", {"from": first, "to": last, "group_by": group}
            )
            for group in GROUPS
        }
        for name, params in SEARCHES.items():
            found[f"orders, {name}"] = timed(client, "/api/ticketing/orders", params)
    return found, walk(stack)


def timed(client: httpx.Client, path: str, params: dict[str, str]) -> float:
    taken = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        client.get(path, params=params).raise_for_status()
        taken.append(time.perf_counter() - started)
    return median(taken)


def connect(stack: Stack) -> psycopg.Connection:
    return psycopg.connect(stack.postgres.dsn, dbname="app", options="-c search_path=ticketing", autocommit=True)


def span(stack: Stack) -> tuple[str, str]:
    with connect(stack) as connection:
        query = "SELECT min(starts_at)::date::text, max(starts_at)::date::text FROM showtime"
        return connection.execute(query).fetchone() or ("", "")


def walk(stack: Stack) -> float:
    taken = []
    with connect(stack) as connection:
        for _ in range(ROUNDS):
            started = time.perf_counter()
            connection.execute("SELECT sum(total) FROM orders")
            taken.append(time.perf_counter() - started)
    return median(taken)


FILL = (
    """
    INSERT INTO showtime (id, version, movie, theater, hall, timezone, starts_at, ends_at, capacity, format, language,
        status, reason)
    SELECT md5('show' || n)::uuid, 1,
        jsonb_build_object('id', md5('film' || mod(n, 200))::uuid, 'title', 'Film ' || mod(n, 200), 'poster_url', NULL),
        jsonb_build_object('id', md5('theater' || mod(n, 8))::uuid, 'name', 'Theater ' || mod(n, 8)),
        jsonb_build_object('id', md5('hall' || mod(n, 40))::uuid, 'name', 'Hall ' || mod(n, 40)),
        'Europe/Berlin', starts_at, starts_at + interval '2 hours', 250, '2d', 'en', 'scheduled', ''
    FROM generate_series(0, %(showtimes)s - 1) AS n, LATERAL (
        SELECT now() - interval '55 days' + n / 40 * interval '1 day' + mod(n / 8, 5) * interval '3 hours' AS starts_at
    ) AS show
    """,
    """
    INSERT INTO customer (user_id, email, full_name, locale, is_guest, is_verified)
    SELECT md5('user' || n)::uuid, 'person' || n || '@people.example',
        'Given ' || mod(n, 500) || ' Family ' || mod(n, 3000), 'en', false, true
    FROM generate_series(0, %(customers)s - 1) AS n
    """,
    # One in twenty was refunded, one in thirty never paid.
    """
    INSERT INTO orders (booking_id, user_id, showtime_id, status, closing, version, seats, movie, showtime, starts_at,
        subtotal, discount, total, currency, expires_at, method, paid, paid_at, created_at)
    SELECT uuidv7(-ago), md5('user' || mod(n, %(customers)s))::uuid, show.id,
        CASE WHEN unpaid THEN 'expired' WHEN mod(n, 20) = 0 THEN 'refunded' ELSE 'issued' END,
        CASE WHEN unpaid THEN 'deadline' END, 5, seats, show.movie,
        jsonb_build_object('id', show.id, 'starts_at', show.starts_at, 'timezone', show.timezone,
            'theater', show.theater, 'hall', show.hall, 'format', '2d', 'language', 'en', 'status', 'scheduled'),
        show.starts_at, total, 0, total, 'EUR', now() - ago + interval '10 minutes',
        CASE WHEN unpaid THEN NULL WHEN mod(n, 4) = 0 THEN 'coins' WHEN mod(n, 4) = 1 THEN 'cash' ELSE 'card' END,
        CASE WHEN unpaid THEN 0 ELSE total END, CASE WHEN NOT unpaid THEN now() - ago END, now() - ago
    FROM generate_series(0, %(orders)s - 1) AS n
    JOIN showtime AS show ON show.id = md5('show' || mod(n, %(showtimes)s))::uuid,
    LATERAL (
        SELECT mod(n, 30) = 7 AS unpaid, 1200 * (1 + mod(n, 4)) AS total, (%(orders)s - n) * interval '50 s' AS ago
    ) AS facts,
    LATERAL (
        SELECT jsonb_agg(jsonb_build_object('seat_no', seat_no, 'label', 'S' || seat_no, 'row', 'S', 'number', seat_no,
            'category', 'standard', 'ticket_type', 'adult', 'price', 1200, 'currency', 'EUR')) AS seats
        FROM generate_series(0, mod(n, 4)) AS k, LATERAL (SELECT n / %(showtimes)s * 4 + k AS seat_no) AS seat
    ) AS held
    """,
    """
    INSERT INTO ticket (id, booking_id, user_id, showtime_id, movie_id, seat_no, label, row, number, category,
        ticket_type, amount, currency, holder_name, status, serial, valid_until, issued_at, voided_at)
    SELECT uuidv7(), booking_id, user_id, showtime_id, (movie ->> 'id')::uuid, (seat ->> 'seat_no')::int,
        seat ->> 'label', 'S', (seat ->> 'number')::int, 'standard', 'adult', 1200, 'EUR', 'Somebody',
        CASE status WHEN 'issued' THEN 'valid' ELSE 'void' END, 1, starts_at + interval '30 days', paid_at,
        CASE status WHEN 'refunded' THEN paid_at END
    FROM orders, LATERAL jsonb_array_elements(seats) AS seat
    WHERE status <> 'expired'
    """,
    """
    INSERT INTO refund (id, booking_id, number, amount, currency, coins, "to", status, cause, reason, seats, settles,
        sold, tries, key_number, done_at)
    SELECT uuidv7(), booking_id, 1, paid, currency, paid / 10, 'coins', 'succeeded', 'customer', '', '[]', true, true,
        1, 1, paid_at
    FROM orders WHERE status = 'refunded'
    """,
)
