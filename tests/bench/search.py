"""Searches among many films, of every kind, each next to what is promised."""

from dataclasses import dataclass
from urllib.parse import urlencode

import psycopg

from services.shared.auth import Role
from services.shared.testing import token
from tests.bench.load import request, run
from tests.stack import Stack

PROMISED_SECONDS = 0.03
ASKED = 60
# On, each in some showtimes.
SHOWING = 60


@dataclass(frozen=True)
class Known:
    """What can be searched for: made up as it is, it has to be looked up."""

    word: str
    title: str
    actor: str
    director: str
    theater_id: str
    date: str


async def measure(stack: Stack) -> dict[str, float]:
    """Seconds, the 95th percentile of each kind of question, among films that are there already (importing.py)."""
    port = stack.worker("catalog").port
    bearer = token(Role.customer)
    found = {}
    for kind, path in questions(prepare(stack)).items():
        asking = request("GET", path, bearer)
        await run([port], [[asking] * 5])
        result = await run([port], [[asking] * ASKED])
        assert set(result.statuses) == {200}, (kind, result.statuses)
        found[kind] = result.p95
    return found


def questions(known: Known) -> dict[str, str]:
    swapped = known.word[:2] + known.word[3] + known.word[2] + known.word[4:]
    filters = {"genre": "drama", "language": "en", "age_rating": "12", "status": "now_showing", "sort": "title"}
    filters |= {"actor": known.actor[:2], "director": "a", "theater_id": known.theater_id, "date": known.date}
    films: dict[str, dict[str, str]] = {
        "all": {},
        "a letter": {"query": "a"},
        "another letter": {"query": "k"},
        "a common word": {"query": "the"},
        "a rare word": {"query": known.word},
        "a title": {"query": known.title},
        "two prefixes": {"query": "lo ma"},
        "three common words": {"query": "the love of"},
        "a typing error": {"query": swapped},
        "two typing errors": {"query": f"{swapped} {swapped}x"},
        "nothing": {"query": "qqqqqqqq"},
        "accents": {"query": "gröng émile"},
        "a person": {"query": known.actor},
        "an actor": {"actor": known.actor},
        "a director": {"director": known.director},
        "a letter, sorted by title": {"query": "e", "sort": "title"},
        "now showing": {"status": "now_showing"},
        "coming soon": {"status": "coming_soon"},
        "a letter, coming soon": {"query": "a", "status": "coming_soon"},
        "a day": {"date": known.date},
        "all filters": filters,
        "all filters and a letter": filters | {"query": "a"},
        "a hundred": {"query": "e", "limit": "100"},
    }
    typed = {"a letter": "a", "a common word": "the", "a person": known.actor, "a typing error": swapped}
    return (
        {f"search: {kind}": f"/api/catalog/movies?{urlencode(query)}" for kind, query in films.items()}
        | {f"suggest: {kind}": f"/api/catalog/suggest?{urlencode({'q': text})}" for kind, text in typed.items()}
        | {"genres": "/api/catalog/genres"}
    )


def prepare(stack: Stack) -> Known:
    """Gives the films popularity, and some of them showtimes."""
    with psycopg.connect(stack.postgres.dsn, dbname="app", autocommit=True) as connection:
        for statement in PREPARE:
            connection.execute(statement, {"showing": SHOWING})
        row = connection.execute(LOOK_UP).fetchone()
    assert row is not None
    return Known(*row)


PREPARE = (
    "SET search_path = catalog",
    "SELECT setseed(0.1895)",
    "UPDATE movie SET popularity = 20000 / (1 + random() * 5000)",
    """
    INSERT INTO theater (id, version, name, city, city_key, timezone, archived)
    SELECT gen_random_uuid(), 1, 'Bench ' || n, 'Berlin', 'berlin', 'Europe/Berlin', false
    FROM generate_series(1, 5) AS n
    """,
    """
    INSERT INTO hall (id, theater_id, name, layout_version, capacity, categories)
    SELECT gen_random_uuid(), theater.id, n::text, 1, 300, '["standard"]' FROM theater, generate_series(1, 8) AS n
    """,
    """
    INSERT INTO showtime (id, version, movie_id, theater_id, hall_id, layout_version, capacity, categories, starts_at,
        ends_at, busy_until, busy_from, busy_to, local_date, sales_close_minutes, sales_close_at, format, language,
        accessibility, prices, single_seat_rule, tickets_issued)
    SELECT gen_random_uuid(), 1, film.id, theater_id, hall.id, 1, 300, '["standard"]', start, start + interval '2 h',
        start + interval '2.5 h', (hall.number::bigint << 32) + extract(epoch FROM start)::bigint,
        (hall.number::bigint << 32) + extract(epoch FROM start)::bigint + 9000, start::date, 0, start, '2d', 'en',
        '[]', '[]', true, 0
    FROM hall
    CROSS JOIN (SELECT n, now() + n * interval '3 h' AS start FROM generate_series(1, 100) AS n) AS plan
    JOIN (SELECT id, row_number() OVER (ORDER BY -popularity) AS place FROM movie) AS film
        ON place = 1 + (7 * hall.number + 13 * n) %% %(showing)s
    """,
    "VACUUM ANALYZE",
)
LOOK_UP = """
    SELECT (SELECT word FROM word WHERE length(word) = 9 AND word ~ '^[a-z]+$' ORDER BY word LIMIT 1),
        film.title, film."cast"->>0, film.director, showtime.theater_id::text, showtime.local_date::text
    FROM movie AS film CROSS JOIN (SELECT * FROM showtime ORDER BY starts_at, id LIMIT 1) AS showtime
    ORDER BY -film.popularity, film.id LIMIT 1
"""
