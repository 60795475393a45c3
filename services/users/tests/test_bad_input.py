"""What does not fit is refused with a problem document that points to it, and changes nothing."""

import json
from typing import Any

import httpx
import pytest

from services.users.tests.conftest import CLARA, Cinema

USERS = "/api/users"
GUEST = {"email": "g@marquee.example", "full_name": "G"}
ID = "01890000-0000-7000-8000-000000000000"

MISFITS: list[tuple[str, Any]] = [
    ("email", "clara"),
    ("email", "clara@localhost"),
    ("email", "clara@marquee.example\nBcc: all@marquee.example"),
    ("email", f"{'c' * 300}@marquee.example"),
    ("email", 7),
    ("email", None),
    ("password", "short"),
    ("password", "p" * 129),
    ("password", "Password123"),
    ("password", "quiet\0reels"),
    ("password", "quiet \ud800 reels"),
    ("password", ["three", "reels"]),
    ("full_name", ""),
    ("full_name", "   "),
    ("full_name", "C" * 101),
    ("full_name", "Clara\0"),
    ("full_name", "Clara\r\nWeiß"),
    ("full_name", "Clara \ud800"),
    ("locale", "../../etc"),
    ("role", "admin"),
    ("id", ID),
]
BODIES: list[tuple[str, Any]] = [
    ("login", {"email": CLARA["email"]}),
    ("login", {"email": CLARA["email"], "password": "x", "remember": True}),
    ("login", {"email": CLARA["email"], "password": "p" * 129}),
    ("guest", {**GUEST, "role": "admin"}),
    ("guest", {**GUEST, "full_name": "\0"}),
    ("verify-email", {"token": ""}),
    ("verify-email", {"token": "t" * 10_000}),
    ("password-reset", {"email": "nobody"}),
    ("password-reset/confirm", {"token": "t", "new_password": "12345678"}),
    ("register", ["a", "list"]),
    ("register", None),
]
PARAMETERS = [
    ("GET", "?role=owner"),
    ("GET", "?limit=0"),
    ("GET", "?limit=101"),
    ("GET", "?cursor=nonsense"),
    ("GET", "?query=%00"),
    ("GET", f"?query={'q' * 1000}"),
    ("PATCH", "/not-an-id"),
    ("DELETE", "/me/sessions/7"),
]
ACCESS: list[dict[str, Any]] = [
    {"role": "owner"},
    {"role": 4},
    {"role": None},
    {"is_active": "perhaps"},
    {"email": "x"},
]
PROFILES: list[dict[str, Any]] = [{"full_name": None}, {"email": None}, {"locale": "english"}, {"full_name": " "}]


def is_refused(answer: httpx.Response) -> bool:
    return (answer.status_code, answer.json()["code"]) == (422, "validation_error")


def pointers(answer: httpx.Response) -> list[str]:
    return [fault["pointer"] for fault in answer.json()["errors"]]


async def send(client: httpx.AsyncClient, method: str, path: str, body: Any = None) -> httpx.Response:
    """Not through httpx's own encoder, which cannot write half a character."""
    headers = {"Content-Type": "application/json"}
    return await client.request(method, f"{USERS}{path}", content=json.dumps(body), headers=headers)


async def test_a_registration_that_does_not_fit_is_refused(cinema: Cinema) -> None:
    for field, value in MISFITS:
        answer = await send(cinema.anonymous, "POST", "/register", {**CLARA, field: value})
        assert is_refused(answer), (field, value, answer.text)
        assert pointers(answer) == [f"/body/{field}"], (field, value)
        assert field != "password" or str(value) not in answer.text
    assert await cinema.sql('SELECT 1 FROM "user"') == []


async def test_a_password_is_taken_as_it_was_typed(cinema: Cinema) -> None:
    await cinema.register(password="  three quiet film reels  ")
    login = {"email": CLARA["email"], "password": "three quiet film reels"}
    assert (await cinema.anonymous.post(f"{USERS}/login", json=login)).status_code == 401
    await cinema.sign_in(password="  three quiet film reels  ")


async def test_the_same_characters_from_another_keyboard_are_the_same_password(cinema: Cinema) -> None:
    await cinema.register(password="drei große Cafe\u0301s")
    await cinema.sign_in(password="drei große Caf\u00e9s")


async def test_unusual_addresses_are_addresses(cinema: Cinema) -> None:
    for email in ("a@b.example", "a@cinema.test", "a+tag@sub.domain.museum", "A@BÜCHER.example"):
        user = await cinema.register(email=email)
        assert user["email"].isascii()
        await cinema.sign_in(email)


async def test_a_body_that_does_not_fit_is_refused(cinema: Cinema) -> None:
    for path, body in BODIES:
        assert is_refused(await send(cinema.anonymous, "POST", f"/{path}", body)), (path, body)


@pytest.mark.parametrize("path", ["verify-email", "password-reset/confirm"])
async def test_an_unknown_token_is_refused(cinema: Cinema, path: str) -> None:
    body = {"token": "x" * 43} | ({"new_password": "four loud film reels"} if "reset" in path else {})
    answer = await cinema.anonymous.post(f"{USERS}/{path}", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "token_not_valid")


async def test_parameters_that_do_not_fit_are_refused(cinema: Cinema) -> None:
    async with cinema.admin() as admin:
        for method, path in PARAMETERS:
            assert is_refused(await send(admin, method, path, {})), (method, path)


async def test_changes_that_do_not_fit_are_refused(cinema: Cinema) -> None:
    clara = await cinema.newcomer()
    async with cinema.admin() as admin:
        for body in ACCESS:
            assert is_refused(await send(admin, "PATCH", f"/{clara.user['id']}", body)), body
    for body in PROFILES:
        assert is_refused(await send(clara.client, "PATCH", "/me", body)), body
    assert (await clara.client.get(f"{USERS}/me")).json() == clara.user


async def test_odd_headers_break_nothing(cinema: Cinema) -> None:
    await cinema.register()
    headers = [
        (b"User-Agent", b"x" * 5000 + b"\t"),
        (b"Accept-Language", b"*;q=0.1, zz-ZZ"),
        (b"Cookie", b"marquee_refresh=\xff"),
    ]
    login = {"email": CLARA["email"], "password": CLARA["password"]}
    answer = await cinema.anonymous.post(f"{USERS}/login", json=login, headers=headers)
    assert answer.status_code == 200
    [[agent]] = await cinema.sql("SELECT user_agent FROM session")
    assert agent == "x" * 300
