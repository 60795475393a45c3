"""Recommendations for people with a history, and what it costs to keep up whom each film draws."""

import time
from statistics import mean
from uuid import UUID

import psycopg

from services.catalog import commands
from services.shared.db import Sessions, connect
from services.shared.settings import Settings
from services.shared.signals import Signals
from services.shared.testing import environment, token
from tests.bench.load import Result, request, run
from tests.stack import Stack

FILMS = 10_000
USERS = 10_000
VISITS = 100_000
# On or coming, so that they can be recommended.
PROSPECTS = 1_000
ASKED = 400
PROMISED_SECONDS = 0.05


def fill(stack: Stack) -> None:
    """Films, their showtimes, and who saw which: twenty circles of taste, each with its blockbusters."""
    sizes = {"films": FILMS, "users": USERS, "visits": VISITS, "every": FILMS // PROSPECTS}
    with psycopg.connect(stack.postgres.dsn, dbname="app") as connection:
        for statement in FILL:
            connection.execute(statement, sizes)
    with psycopg.connect(stack.postgres.dsn, dbname="app", autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


async def renew(stack: Stack) -> float:
    """Seconds for one film, on average: its affinities."""
    with environment(stack.environment()):
        settings = Settings.load("catalog")
    engine = connect(settings)
    sessions = Sessions(engine, settings, Signals())
    async with sessions.begin() as session:
        await commands.renew_prospects(session)
    seconds: list[float] = []
    while True:
        async with sessions.begin() as session:
            stale = await commands.stale_prospects(session)
        if not stale:
            break
        for movie_id in stale:
            started = time.perf_counter()
            async with sessions.begin() as session:
                await commands.renew_affinities(session, movie_id)
            seconds.append(time.perf_counter() - started)
    await engine.dispose()
    return mean(seconds)


async def recommend(stack: Stack) -> Result:
    """One person after another, each for the first time."""
    port = stack.worker("catalog").port
    path = "/api/catalog/recommendations"
    asking = [request("GET", path, token(user_id=user(number))) for number in range(1, ASKED + 1)]
    await run([port], [asking[:20]])
    found = await run([port], [asking[20:]])
    assert set(found.statuses) == {200}
    return found


def user(number: int) -> UUID:
    return UUID(f"00000000-0000-7000-8003-{number:012d}")


FILL = (
    "SET search_path = catalog",
    "SELECT setseed(0.1895)",
    """
    CREATE FUNCTION pg_temp.id(kind int, number bigint) RETURNS uuid IMMUTABLE LANGUAGE sql
    AS $$ SELECT ('00000000-0000-7000-800' || kind || '-' || lpad(number::text, 12, '0'))::uuid $$
    """,
    # A film's circle is the rest of its number by 20, and its first genre; its place in the circle is how rare it is.
    """
    INSERT INTO movie (id, title, description, genres, runtime_minutes, age_rating, release_date, languages, "cast",
        director, title_key, facets, search, popularity)
    SELECT pg_temp.id(1, n), 'Film ' || n, repeat('What happens in it. ', 20),
        jsonb_build_array('Genre ' || n %% 20, 'Genre ' || floor(random() * 20)), 100, '12',
        CASE WHEN n %% (5 * %(every)s) = 0 THEN current_date + 30 ELSE current_date - 100 END, '["en"]',
        (SELECT jsonb_agg('Actor ' || floor(random() * 8000)) FROM generate_series(1, 8) WHERE n > 0),
        'Director ' || floor(random() * 2000), 'film ' || n, '{}', 'film', 0
    FROM generate_series(1, %(films)s) AS n
    """,
    """
    INSERT INTO theater (id, version, name, city, city_key, timezone, archived)
    VALUES (pg_temp.id(4, 1), 1, 'Bench', 'Berlin', 'berlin', 'Europe/Berlin', false)
    """,
    """
    INSERT INTO hall (id, theater_id, name, layout_version, capacity, categories)
    SELECT pg_temp.id(5, n), pg_temp.id(4, 1), n::text, 1, 300, '["standard"]' FROM generate_series(0, 39) AS n
    """,
    # Four showtimes for each film that is on, one after another in forty halls.
    """
    INSERT INTO showtime (id, version, movie_id, theater_id, hall_id, layout_version, capacity, categories, starts_at,
        ends_at, busy_until, busy_from, busy_to, local_date, sales_close_minutes, sales_close_at, format, language,
        accessibility, prices, single_seat_rule, tickets_issued)
    SELECT pg_temp.id(2, n), 1, movie.id, pg_temp.id(4, 1), hall.id, 1, 300, '["standard"]', start,
        start + interval '2 h', start + interval '2.5 h',
        (hall.number::bigint << 32) + extract(epoch FROM start)::bigint,
        (hall.number::bigint << 32) + extract(epoch FROM start)::bigint + 9000, start::date, 0, start, '2d', 'en',
        '[]', '[]', true, 0
    FROM (SELECT n, date_trunc('hour', now()) + interval '1 day' + n / 40 * interval '3 h' AS start
        FROM generate_series(0, 4 * %(films)s / %(every)s - 1) AS n) AS plan
    JOIN movie ON movie.id = pg_temp.id(1, (n / 4 + 1) * %(every)s) AND movie.release_date < current_date
    JOIN hall ON hall.id = pg_temp.id(5, n %% 40)
    """,
    # Seven in ten films that somebody sees are of the own circle; the rarer, the less.
    """
    INSERT INTO visit (ticket_id, showtime_id, movie_id, user_id, counted)
    SELECT pg_temp.id(6, n), pg_temp.id(2, 0),
        pg_temp.id(1, 1 + ((%(films)s / 20 - 1) * place ^ 3)::bigint * 20 + CASE WHEN own THEN who %% 20 ELSE any_ END),
        pg_temp.id(3, who), true
    FROM (
        SELECT n, 1 + n %% %(users)s AS who, random() AS place, random() < 0.7 AS own,
            floor(random() * 20)::int AS any_
        FROM generate_series(1, %(visits)s) AS n) AS drawn
    """,
    """
    INSERT INTO rating (user_id, movie_id, stars)
    SELECT DISTINCT ON (user_id, movie_id) user_id, movie_id, 1 + floor(5 * random() ^ 0.5)::int
    FROM visit WHERE random() < 0.3
    """,
    """
    INSERT INTO wish (user_id, movie_id)
    SELECT pg_temp.id(3, 1 + n %% %(users)s), pg_temp.id(1, 1 + floor(random() * %(films)s)::bigint)
    FROM generate_series(1, 2 * %(users)s) AS n ON CONFLICT DO NOTHING
    """,
    """
    UPDATE movie SET popularity = found.tickets
    FROM (SELECT movie_id, count(*) AS tickets FROM visit GROUP BY movie_id) AS found WHERE found.movie_id = movie.id
    """,
)
