"""Access tokens: which are believed, and how their keys are learned."""

import asyncio
import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import jwt
import pytest
from fastapi import APIRouter

from services.shared import auth, keys
from services.shared.app import create_app
from services.shared.auth import (
    CurrentUser,
    Manager,
    Principal,
    Role,
    TokenExpired,
    Unauthenticated,
    Verifier,
    mint,
)
from services.shared.errors import ServiceUnavailable
from services.shared.ids import new_id
from services.shared.keys import KeyRing
from services.shared.settings import DEVELOPMENT_KEY
from services.shared.testing import caller, running

RING = keys.parse(DEVELOPMENT_KEY, "KEYS")
OTHER = keys.parse(keys.encode(b"another key of thirty-two bytes."), "KEYS")
CLARA = Principal(new_id(), Role.staff, is_guest=False, session_id=new_id())


def claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    good = {
        "iss": "marquee-users",
        "aud": "marquee",
        "sub": str(CLARA.id),
        "sid": str(CLARA.session_id),
        "role": "staff",
        "guest": False,
        "iat": now,
        "exp": now + 60,
    }
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def part(value: dict[str, Any]) -> str:
    return keys.encode(json.dumps(value).encode())


def token(ring: KeyRing = RING, typ: str = "at+jwt", **changes: Any) -> str:
    return ring.sign(claims(**changes), typ)


def unsigned() -> str:
    return f"{part({'alg': 'none', 'typ': 'at+jwt', 'kid': next(iter(RING.public))})}.{part(claims())}."


def signed_with_the_public_key_as_a_secret() -> str:
    kid, public = next(iter(RING.public.items()))
    signed = f"{part({'alg': 'HS256', 'typ': 'at+jwt', 'kid': kid})}.{part(claims())}"
    mac = hmac.digest(public.public_bytes_raw(), signed.encode(), hashlib.sha256)
    return f"{signed}.{keys.encode(mac)}"


def signed_with_a_key_it_brings_along() -> str:
    kid, private = next(iter(OTHER.private.items()))
    headers = {"typ": "at+jwt", "kid": kid, "jwk": OTHER.jwks()["keys"][0], "jku": "https://evil.example/jwks.json"}
    return jwt.encode(claims(), private, "EdDSA", headers=headers)


def under_anothers_name() -> str:
    private = next(iter(OTHER.private.values()))
    return jwt.encode(claims(), private, "EdDSA", headers={"typ": "at+jwt", "kid": next(iter(RING.public))})


def tampered() -> str:
    header, _, signature = token().split(".")
    return f"{header}.{part(claims(role='admin'))}.{signature}"


FORGERIES = {
    "unsigned": unsigned(),
    "HMAC with the public key": signed_with_the_public_key_as_a_secret(),
    "brings its own key": signed_with_a_key_it_brings_along(),
    "another key under our key id": under_anothers_name(),
    "unknown key": token(OTHER),
    "tampered": tampered(),
    "a ticket": token(typ="ticket+jwt"),
    "an id token": token(typ="JWT"),
    "for somebody else": token(aud="another-cinema"),
    "by somebody else": token(iss="https://evil.example"),
    "without audience": token(aud=None),
    "without end": token(exp=None),
    "without user": token(sub=None),
    "not yet": token(nbf=int(time.time()) + 600),
    "no user's id": token(sub="clara"),
    "no session": token(sid=None),
    "no role of ours": token(role="owner"),
    "no token": "abc",
    "empty parts": "..",
    "no text": "\xff.\xfe.\xfd",
}


async def test_a_minted_token_tells_who_it_is() -> None:
    minted = mint(RING, CLARA, CLARA.session_id or new_id())
    assert await Verifier(RING).verify(minted) == CLARA


@pytest.mark.parametrize("name", FORGERIES)
async def test_a_forged_token_is_not_believed(name: str) -> None:
    with pytest.raises(Unauthenticated):
        await Verifier(RING).verify(FORGERIES[name])


async def test_an_old_token_says_that_it_has_expired() -> None:
    with pytest.raises(TokenExpired):
        await Verifier(RING).verify(token(exp=int(time.time()) - 1))


async def test_a_token_that_was_believed_expires_all_the_same() -> None:
    verifier, short = Verifier(RING), token(exp=int(time.time()) + 1)
    assert await verifier.verify(short) == CLARA
    await asyncio.sleep(1.05)
    with pytest.raises(TokenExpired):
        await verifier.verify(short)


async def test_only_so_many_tokens_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "REMEMBERED_TOKENS", 3)
    verifier = Verifier(RING)
    for second in range(6):
        await verifier.verify(token(exp=int(time.time()) + 60 + second))
    assert len(verifier._known) == 3


@dataclass
class KeyServer:
    """The users service as the others see it: one address, with the keys of the moment."""

    ring: KeyRing | None = RING
    asked: int = 0
    url: str = ""


@pytest.fixture
def key_server() -> Iterator[KeyServer]:
    served = KeyServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.asked += 1
            self.send_response(200 if served.ring else 503)
            self.end_headers()
            if served.ring:
                self.wfile.write(json.dumps(served.ring.jwks()).encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        served.url = f"http://127.0.0.1:{server.server_address[1]}/jwks.json"
        yield served
        server.shutdown()
        thread.join()


async def test_keys_are_fetched_once_for_many_tokens(key_server: KeyServer) -> None:
    verifier = Verifier(None, key_server.url)
    for second in range(5):
        assert await verifier.verify(token(exp=int(time.time()) + 60 + second)) == CLARA
    assert key_server.asked == 1


async def test_made_up_key_ids_do_not_make_us_ask_again_and_again(key_server: KeyServer) -> None:
    verifier = Verifier(None, key_server.url)
    for _ in range(5):
        with pytest.raises(Unauthenticated):
            await verifier.verify(token(OTHER))
    assert key_server.asked == 1


async def test_a_new_key_is_learned_while_the_old_one_still_verifies(
    key_server: KeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    verifier = Verifier(None, key_server.url)
    await verifier.verify(token())
    key_server.ring = KeyRing({**OTHER.private, **RING.private})
    monkeypatch.setattr(auth, "UNKNOWN_KEY_SECONDS", 0)
    assert await verifier.verify(token(key_server.ring)) == CLARA
    assert await verifier.verify(token(RING, exp=int(time.time()) + 61)) == CLARA
    assert key_server.asked == 2


async def test_a_key_that_was_withdrawn_is_no_longer_believed(
    key_server: KeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    verifier = Verifier(None, key_server.url)
    await verifier.verify(token())
    key_server.ring = OTHER
    monkeypatch.setattr(auth, "KEYS_SECONDS", 0)
    monkeypatch.setattr(auth, "UNKNOWN_KEY_SECONDS", 0)
    with pytest.raises(Unauthenticated):
        await verifier.verify(token(exp=int(time.time()) + 61))


async def test_known_keys_stay_good_while_the_users_service_is_away(
    key_server: KeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    verifier = Verifier(None, key_server.url)
    await verifier.verify(token())
    key_server.ring = None
    monkeypatch.setattr(auth, "KEYS_SECONDS", 0)
    assert await verifier.verify(token(exp=int(time.time()) + 61)) == CLARA


async def test_without_any_key_the_answer_is_to_try_again_and_then_it_works(
    key_server: KeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    verifier = Verifier(None, key_server.url)
    key_server.ring = None
    with pytest.raises(ServiceUnavailable):
        await verifier.verify(token())
    key_server.ring = RING
    monkeypatch.setattr(auth, "AWAY_SECONDS", 0)
    assert await verifier.verify(token()) == CLARA


async def test_while_the_users_service_is_away_it_is_not_asked_for_each_request(key_server: KeyServer) -> None:
    verifier = Verifier(None, key_server.url)
    key_server.ring = None
    for _ in range(5):
        with pytest.raises(ServiceUnavailable):
            await verifier.verify(token())
    assert key_server.asked == 1


async def test_a_key_we_could_not_hear_of_is_no_reason_to_sign_anybody_out(
    key_server: KeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    verifier = Verifier(None, key_server.url)
    await verifier.verify(token())
    key_server.ring = None
    monkeypatch.setattr(auth, "UNKNOWN_KEY_SECONDS", 0)
    with pytest.raises(ServiceUnavailable):
        await verifier.verify(token(OTHER))
    monkeypatch.setattr(auth, "UNKNOWN_KEY_SECONDS", 60)
    assert await verifier.verify(token(exp=int(time.time()) + 61)) == CLARA


router = APIRouter()


@router.get("/anybody")
async def anybody(caller: CurrentUser) -> str:
    return caller.role.name


@router.get("/managers")
async def managers(caller: Manager) -> str:
    return caller.role.name


app = create_app("theaters", router, {})


@pytest.mark.usefixtures("fresh_database")
async def test_each_role_includes_the_ones_before_it() -> None:
    async with running(app):
        statuses = {}
        for role in (None, *Role):
            async with caller(app, role) as client:
                statuses[role] = [
                    (await client.get(f"/api/theaters/{path}")).status_code for path in ("anybody", "managers")
                ]
    assert statuses == {
        None: [401, 401],
        Role.customer: [200, 403],
        Role.staff: [200, 403],
        Role.manager: [200, 200],
        Role.admin: [200, 200],
    }


@pytest.mark.usefixtures("fresh_database")
async def test_a_refusal_says_what_is_wrong_with_the_token() -> None:
    async def refused(authorization: str) -> tuple[int, str, str]:
        answer: httpx.Response = await client.get("/api/theaters/anybody", headers={"Authorization": authorization})
        return answer.status_code, answer.json()["code"], answer.headers["www-authenticate"]

    basic = base64.b64encode(b"clara:password").decode()
    async with running(app), caller(app) as client:
        assert await refused(f"Basic {basic}") == (401, "unauthenticated", "Bearer")
        assert await refused("Bearer") == (401, "unauthenticated", "Bearer")
        assert await refused(f"Bearer {FORGERIES['tampered']}") == (401, "unauthenticated", "Bearer")
        old = token(exp=int(time.time()) - 1)
        assert await refused(f"Bearer {old}") == (401, "token_expired", 'Bearer error="invalid_token"')
        assert (
            await client.get("/api/theaters/anybody", headers={"Authorization": f"bearer {token()}"})
        ).json() == "staff"
