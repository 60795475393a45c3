"""Registering, signing in, staying signed in, signing out."""

import asyncio
import statistics
import time

import httpx
import jwt
import pytest

from services.shared import keys
from services.shared.errors import RateLimited
from services.shared.events import UserRegistered
from services.shared.settings import DEVELOPMENT_KEY
from services.shared.testing import caller, published, running
from services.users.app import app
from services.users.commands import credentials
from services.users.passwords import ARGON2
from services.users.tests.conftest import CLARA, PASSWORD, Cinema, Person

LOGIN = "/api/users/login"
REFRESH = "/api/users/refresh"


def login(
    client: httpx.AsyncClient, email: str = CLARA["email"], password: str = PASSWORD
) -> "asyncio.Task[httpx.Response]":
    return asyncio.ensure_future(client.post(LOGIN, json={"email": email, "password": password}))


async def test_a_newcomer_gets_an_account_that_others_hear_of(cinema: Cinema) -> None:
    user = await cinema.register(email=" Clara@Marquee.Example ")
    assert user == {
        "id": user["id"],
        "email": "clara@marquee.example",
        "full_name": "Clara Weiß",
        "role": "customer",
        "is_guest": False,
        "email_verified": False,
        "locale": "en",
        "created_at": user["created_at"],
    }
    [event] = await published(app)
    assert isinstance(event, UserRegistered)
    assert (str(event.user_id), event.email, event.is_guest) == (user["id"], user["email"], False)


async def test_an_address_has_one_account_even_if_ten_ask_for_it_at_once(cinema: Cinema) -> None:
    answers = await asyncio.gather(*(cinema.anonymous.post("/api/users/register", json=CLARA) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 9
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"email_taken"}
    assert len(await cinema.mails()) == 1


async def test_the_browsers_language_is_the_accounts_unless_the_body_names_one(cinema: Cinema) -> None:
    cinema.anonymous.headers["Accept-Language"] = "de-AT,en;q=0.5"
    assert (await cinema.register())["locale"] == "de"
    assert (await cinema.register(email="b@marquee.example", locale="en"))["locale"] == "en"
    assert (await cinema.mails())[0]["subject"] == "Bitte bestätigen Sie Ihre E-Mail-Adresse"


async def test_signing_in_gives_a_token_the_user_and_a_cookie(cinema: Cinema) -> None:
    user = await cinema.register()
    answer = await login(cinema.anonymous, "CLARA@marquee.example")
    body = answer.json()
    assert body == {"access_token": body["access_token"], "token_type": "bearer", "expires_in": 600, "user": user}
    public = next(iter(keys.parse(DEVELOPMENT_KEY, "").public.values()))
    claims = jwt.decode(body["access_token"], public, ["EdDSA"], audience="marquee", issuer="marquee-users")
    assert (claims["sub"], claims["role"], claims["guest"]) == (user["id"], "customer", False)
    assert claims["exp"] - claims["iat"] == 600
    assert jwt.get_unverified_header(body["access_token"])["typ"] == "at+jwt"


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(cinema: Cinema) -> None:
    await cinema.register()
    headers = (await login(cinema.anonymous)).headers
    assert headers["cache-control"] == "no-store"
    cookie = headers["set-cookie"]
    name, *attributes = cookie.split("; ")
    assert name.startswith("marquee_refresh=")
    assert {part.lower() for part in attributes} == {
        "httponly",
        "samesite=strict",
        "path=/api/users",
        "max-age=1209600",
    }


@pytest.mark.parametrize(
    ("public_url", "secure"),
    [("https://cinema.example", True), ("http://cinema.example", True), ("http://localhost:8080", False)],
)
@pytest.mark.usefixtures("fresh_database")
async def test_the_cookie_is_secure_except_on_this_machine(
    monkeypatch: pytest.MonkeyPatch, public_url: str, secure: bool
) -> None:
    monkeypatch.setenv("MARQUEE_PUBLIC_URL", public_url)
    async with running(app), caller(app) as client:
        answer = await client.post("/api/users/guest", json={"email": "g@marquee.example", "full_name": "G"})
    assert ("; Secure" in answer.headers["set-cookie"]) is secure


async def test_a_wrong_password_and_an_unknown_address_are_refused_alike(cinema: Cinema) -> None:
    await cinema.register()
    wrong = await login(cinema.anonymous, password="not her password")
    unknown = await login(cinema.anonymous, "nobody@marquee.example")
    for answer in (wrong, unknown):
        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/problem+json"
    assert {**wrong.json(), "request_id": ""} == {**unknown.json(), "request_id": ""}
    assert wrong.json()["code"] == "bad_credentials"


async def test_an_unknown_address_is_refused_no_faster_than_a_wrong_password(unlimited: None, cinema: Cinema) -> None:
    await cinema.register()

    async def seconds(email: str) -> float:
        started = time.perf_counter()
        assert (await login(cinema.anonymous, email, "not the password")).status_code == 401
        return time.perf_counter() - started

    emails = [CLARA["email"], "nobody@marquee.example"] * 9
    taken = [(email, await seconds(email)) for email in emails]
    known, unknown = (statistics.median(time for each, time in taken if each == email) for email in emails[:2])
    assert unknown > known / 2


async def test_the_sixth_wrong_password_has_to_wait_even_if_it_is_right(cinema: Cinema) -> None:
    await cinema.register()
    for _ in range(5):
        assert (await login(cinema.anonymous, password="wrong guess")).status_code == 401
    blocked = await login(cinema.anonymous)
    assert (blocked.status_code, blocked.json()["code"]) == (429, "rate_limited")
    assert blocked.headers["retry-after"] == "1"


async def test_each_further_failure_doubles_the_wait_up_to_a_quarter_of_an_hour(cinema: Cinema) -> None:
    await cinema.register()
    waits = []
    for _ in range(17):
        assert (await login(cinema.anonymous, password="wrong guess")).status_code == 401
        waits += await cinema.sql("SELECT ceil(extract(epoch FROM blocked_until - now())) FROM login_throttle")
        await cinema.sql("UPDATE login_throttle SET blocked_until = now()")
    assert [int(wait) for [wait] in waits] == [0] * 4 + [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]


@pytest.mark.usefixtures("long_delays")
async def test_guesses_at_the_same_moment_get_no_more_tries_than_others(cinema: Cinema) -> None:
    await cinema.register()
    answers = await asyncio.gather(*(login(cinema.anonymous, password=f"guess number {n}") for n in range(20)))
    assert sorted(answer.status_code for answer in answers) == [401] * 5 + [429] * 15


async def test_a_right_guess_that_was_on_its_way_when_the_delay_began_is_refused(cinema: Cinema) -> None:
    await cinema.register()
    async with app.state.sessions.begin() as session:
        on_its_way = await credentials.credential_of(session, CLARA["email"], credentials.Device("a browser"))
    for _ in range(5):
        await login(cinema.anonymous, password="wrong guess")
    with pytest.raises(RateLimited):
        async with app.state.sessions.begin() as session:
            await credentials.judge(session, on_its_way, right=True)


async def test_the_right_password_at_the_same_moment_from_many_devices_is_let_in(cinema: Cinema) -> None:
    await cinema.register()
    answers = await asyncio.gather(*(login(cinema.client()) for _ in range(12)))
    assert {answer.status_code for answer in answers} == {200}


async def test_success_forgives_earlier_failures(cinema: Cinema) -> None:
    await cinema.register()
    for _ in range(2):
        for _ in range(4):
            await login(cinema.anonymous, password="wrong guess")
        await cinema.sign_in()


async def test_a_strangers_guesses_do_not_shut_out_a_device_that_was_signed_in(cinema: Cinema) -> None:
    clara = await cinema.newcomer()
    for _ in range(6):
        await login(cinema.client(), password="wrong guess")
    assert (await login(cinema.client())).status_code == 429
    assert (await login(clara.client)).status_code == 200


async def test_the_delay_can_be_switched_off(unlimited: None, cinema: Cinema) -> None:
    await cinema.register()
    for _ in range(7):
        assert (await login(cinema.anonymous, password="wrong guess")).status_code == 401
    assert (await login(cinema.anonymous)).status_code == 200


async def test_an_old_hash_is_renewed_at_the_next_login(cinema: Cinema) -> None:
    await cinema.register()
    weak = type(ARGON2)(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
    await cinema.sql('UPDATE "user" SET password_hash = :weak', weak=weak)
    await cinema.sign_in()
    [[stored]] = await cinema.sql('SELECT password_hash FROM "user"')
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    await cinema.sign_in()


async def test_a_guest_is_signed_in_without_a_password(cinema: Cinema) -> None:
    await cinema.register()
    client = cinema.client()
    answer = await client.post("/api/users/guest", json={"email": CLARA["email"], "full_name": "Somebody Else"})
    assert answer.status_code == 201
    guest = Person(client, {})
    guest.take(answer)
    assert (guest.user["is_guest"], guest.user["role"]) == (True, "customer")
    assert (await client.get("/api/users/me")).json() == guest.user
    assert (await client.post(REFRESH)).status_code == 200
    assert [event.is_guest for event in await published(app) if isinstance(event, UserRegistered)] == [False, True]


async def test_a_guests_address_is_free_for_an_account(cinema: Cinema) -> None:
    body = {"email": CLARA["email"], "full_name": "Clara"}
    for _ in range(2):
        assert (await cinema.anonymous.post("/api/users/guest", json=body)).status_code == 201
    assert (await login(cinema.client(), password="anything at all")).status_code == 401
    await cinema.newcomer()


async def test_refreshing_rotates_the_cookie(cinema: Cinema) -> None:
    clara = await cinema.newcomer()
    first = clara.cookie
    answer = await clara.client.post(REFRESH)
    assert answer.status_code == 200
    assert answer.json()["user"] == clara.user
    assert clara.cookie != first
    assert (await clara.client.post(REFRESH)).status_code == 200


def with_cookie(cinema: Cinema, cookie: str) -> httpx.AsyncClient:
    client = cinema.client()
    client.cookies.set("marquee_refresh", cookie, domain="marquee.test", path="/api/users")
    return client


async def test_a_refresh_whose_answer_was_lost_gets_the_same_cookie_again(cinema: Cinema) -> None:
    clara = await cinema.newcomer()
    devices = [with_cookie(cinema, clara.cookie) for _ in range(5)]
    answers = await asyncio.gather(*(device.post(REFRESH) for device in devices))
    assert {answer.status_code for answer in answers} == {200}
    assert len({device.cookies["marquee_refresh"] for device in devices}) == 1


async def test_a_cookie_that_comes_again_later_ends_its_session_and_no_other(cinema: Cinema) -> None:
    clara, elsewhere = await cinema.newcomer(), await cinema.sign_in()
    thief = with_cookie(cinema, clara.cookie)
    await clara.client.post(REFRESH)
    await cinema.sql("UPDATE refresh_token SET used_at = used_at - interval '11 seconds'")
    for client in (thief, clara.client):
        answer = await client.post(REFRESH)
        assert (answer.status_code, answer.json()["code"]) == (401, "session_revoked")
    assert (await elsewhere.client.post(REFRESH)).status_code == 200


async def test_an_idle_session_ends(cinema: Cinema) -> None:
    clara = await cinema.newcomer()
    await cinema.sql("UPDATE session SET expires_at = now()")
    assert (await clara.client.post(REFRESH)).json()["code"] == "session_revoked"


async def test_use_prolongs_a_session_by_two_weeks_but_not_beyond_ninety_days(cinema: Cinema) -> None:
    clara = await cinema.newcomer()
    left = "SELECT round(extract(epoch FROM expires_at - now()) / 86400) FROM session"
    await cinema.sql(
        "UPDATE session SET created_at = now() - interval '80 days', expires_at = now() + interval '1 hour'"
    )
    await clara.client.post(REFRESH)
    assert await cinema.sql(left) == [(10,)]
    await cinema.sql("UPDATE session SET created_at = now() - interval '30 days'")
    await clara.client.post(REFRESH)
    assert await cinema.sql(left) == [(14,)]


async def test_refreshing_needs_a_cookie_of_ours(cinema: Cinema) -> None:
    without = await cinema.anonymous.post(REFRESH)
    assert (without.status_code, without.json()["code"]) == (401, "unauthenticated")
    forged = await with_cookie(cinema, "x" * 43).post(REFRESH)
    assert (forged.status_code, forged.json()["code"]) == (401, "session_revoked")


async def test_tokens_are_stored_as_hashes_only(cinema: Cinema) -> None:
    clara = await cinema.newcomer()
    await clara.client.post(REFRESH)
    rows = await cinema.sql("SELECT hash::text || coalesce(successor_key::text, '') FROM refresh_token")
    assert len(rows) == 2
    raw = keys.decode(clara.cookie)
    assert not any(raw.hex() in row[0] or clara.cookie in row[0] for row in rows)


@pytest.mark.parametrize("path", [REFRESH, "/api/users/logout"])
async def test_cookies_do_nothing_for_pages_of_other_sites(cinema: Cinema, path: str) -> None:
    clara = await cinema.newcomer()
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://127.0.0.1:8080"},
    ):
        answer = await clara.client.post(path, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), headers
    for headers in (
        {"Origin": "http://127.0.0.1:8080"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost:8080"},
        {},
    ):
        assert (await clara.client.post(path, headers=headers)).is_success, headers


async def test_signing_out_ends_the_session_and_drops_the_cookie(cinema: Cinema) -> None:
    clara = await cinema.newcomer()
    cookie = clara.cookie
    assert (await clara.client.post("/api/users/logout")).status_code == 204
    assert "marquee_refresh" not in clara.client.cookies
    assert (await with_cookie(cinema, cookie).post(REFRESH)).json()["code"] == "session_revoked"
    assert (await clara.client.post("/api/users/logout")).status_code == 204


async def test_the_public_keys_verify_access_tokens_and_may_be_cached(cinema: Cinema) -> None:
    clara = await cinema.newcomer()
    answer = await cinema.anonymous.get("/api/users/.well-known/jwks.json")
    assert answer.headers["cache-control"] == "public, max-age=600"
    token = clara.client.headers["Authorization"].removeprefix("Bearer ")
    key = jwt.PyJWKSet.from_dict(answer.json())[jwt.get_unverified_header(token)["kid"]]
    assert jwt.decode(token, key, ["EdDSA"], audience="marquee")["sub"] == clara.user["id"]
    assert "d" not in answer.json()["keys"][0]
