"""Migrations and the jobs that forget."""

from starlette.datastructures import State

from infra.local.testing import Database
from services.shared import migrate
from services.shared.jobs import Work
from services.users.app import app
from services.users.jobs import prune
from services.users.tests.conftest import Cinema


def test_the_migrations_make_what_the_models_say(fresh_database: Database) -> None:
    migrate.check("users", fresh_database.url("users"))


async def test_what_has_expired_is_forgotten_and_nothing_else(cinema: Cinema) -> None:
    clara, elsewhere = await cinema.newcomer(), await cinema.sign_in()
    await cinema.anonymous.post("/api/users/login", json={"email": "x@marquee.example", "password": "a"})
    await cinema.anonymous.post("/api/users/login", json={"email": "y@marquee.example", "password": "a"})
    await elsewhere.client.post("/api/users/refresh")
    [[newest]] = await cinema.sql("SELECT max(id::text) FROM session")
    await cinema.sql("UPDATE session SET expires_at = now() WHERE id::text <> :newest", newest=newest)
    await cinema.sql("UPDATE one_time_token SET expires_at = now()")
    await cinema.sql("UPDATE refresh_token SET used_at = used_at - interval '15 days'")
    await cinema.sql(
        "UPDATE login_throttle SET blocked_until = now() - interval '2 days'"
        " WHERE account = (SELECT min(account) FROM login_throttle)"
    )
    await cinema.sql(
        "INSERT INTO showtime VALUES (gen_random_uuid(), 1, now()), (gen_random_uuid(), 1, now() + '1 day')"
    )
    await prune(Work(app.state.sessions, State()))
    [[shows]] = await cinema.sql("SELECT count(*) FROM showtime")
    assert shows == 1
    counts = await cinema.sql(
        "SELECT (SELECT count(*) FROM session), (SELECT count(*) FROM refresh_token),"
        " (SELECT count(*) FROM one_time_token), (SELECT count(*) FROM login_throttle)"
    )
    assert counts == [(1, 1, 0, 1)]
    assert (await clara.client.post("/api/users/refresh")).status_code == 401
    assert (await elsewhere.client.post("/api/users/refresh")).status_code == 200
