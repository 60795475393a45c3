"""Garbage gets the right problem document, and nothing changes."""

import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import pytest

from services.shared.auth import Role
from services.shared.ids import new_id
from tests.conftest import world_of
from tests.people import FILM, PRICES, World
from tests.stack import Stack

HOLDS = "/api/reservations/holds"


@dataclass
class Place:
    """A cinema to be rude to."""

    world: World
    hall: Any
    showtime: Any

    async def send(self, role: Role | None, method: str, path: str, **options: Any) -> httpx.Response:
        return await self.world.client(role).request(method, path, **options)

    async def map_version(self) -> int:
        path = f"/api/reservations/showtimes/{self.showtime['id']}/seats"
        return int((await self.world.client().get(path)).json()["version"])

    def hold_body(self, **changes: Any) -> dict[str, Any]:
        seats = [{"label": "A1", "ticket_type": "adult"}]
        return {"showtime_id": self.showtime["id"], "seats": seats, **changes}


@pytest.fixture
async def place(in_process: Stack) -> AsyncIterator[Place]:
    world = world_of(in_process)
    manager = world.manager()
    hall = await manager.open_hall()
    showtime = await manager.schedule(hall["id"])
    held = await world.customer().hold(showtime["id"], ["K1"])  # reservations knows the showtime now
    assert held["status"] == "held"
    yield Place(world, hall, showtime)
    await world.close()


def check_problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert (answer.status_code, answer.json().get("code")) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    assert body["request_id"] == answer.headers["x-request-id"]
    return body


BAD_HOLDS: dict[str, tuple[dict[str, Any], int, str]] = {
    "an unknown field": ({"price": 1}, 422, "validation_error"),
    "an unknown field inside": (
        {"seats": [{"label": "A1", "ticket_type": "adult", "price": 0}]},
        422,
        "validation_error",
    ),
    "a wrong type": ({"seats": "A1"}, 422, "validation_error"),
    "no seats": ({"seats": []}, 422, "validation_error"),
    "a malformed id": ({"showtime_id": "7"}, 422, "validation_error"),
    "a foreign id": ({"showtime_id": str(uuid4())}, 404, "showtime_not_found"),
    "a seat of another hall": ({"seats": [{"label": "ZZ99", "ticket_type": "adult"}]}, 422, "unknown_seats"),
    "eleven seats": (
        {"seats": [{"label": f"B{number}", "ticket_type": "adult"} for number in range(1, 12)]},
        422,
        "validation_error",
    ),
    "the same seat twice": ({"seats": [{"label": "A1", "ticket_type": "adult"}] * 2}, 422, "validation_error"),
    "a ticket type without a price": (
        {"seats": [{"label": "A1", "ticket_type": "senior"}]},
        422,
        "ticket_type_not_offered",
    ),
    "a null byte": ({"seats": [{"label": "A\x001", "ticket_type": "adult"}]}, 422, "validation_error"),
    "seats and best available at once": (
        {"best_available": {"count": 2, "ticket_type": "adult"}},
        422,
        "validation_error",
    ),
}


@pytest.mark.parametrize("what", BAD_HOLDS)
async def test_a_bad_hold_is_refused_and_takes_no_seat(place: Place, what: str) -> None:
    changes, status, code = BAD_HOLDS[what]
    before = await place.map_version()
    answer = await place.send(Role.customer, "POST", HOLDS, json=place.hold_body(**changes))
    check_problem(answer, status, code)
    assert await place.map_version() == before


async def test_a_showtime_younger_than_its_news_is_worth_asking_for_again(place: Place) -> None:
    body = place.hold_body(showtime_id=str(new_id()))
    answer = await place.send(Role.customer, "POST", HOLDS, json=body)
    assert check_problem(answer, 404, "showtime_not_found")["retryable"] is True


async def test_broken_json_is_a_validation_error(place: Place) -> None:
    headers = {"Content-Type": "application/json"}
    answer = await place.send(Role.customer, "POST", HOLDS, content=b'{"showtime_id": ', headers=headers)
    check_problem(answer, 422, "validation_error")


async def test_a_form_is_not_json(place: Place) -> None:
    answer = await place.send(Role.customer, "POST", HOLDS, data={"showtime_id": place.showtime["id"]})
    check_problem(answer, 415, "unsupported_media_type")


async def test_a_body_of_ten_megabytes_is_too_large(place: Place) -> None:
    body = json.dumps(place.hold_body(seats=["x" * 10_000_000]))
    headers = {"Content-Type": "application/json"}
    answer = await place.send(Role.customer, "POST", HOLDS, content=body, headers=headers)
    check_problem(answer, 413, "body_too_large")


BROKEN_TOKENS = {
    "garbage": "garbage",
    "no signature": "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.",
    "another scheme": "",
}


@pytest.mark.parametrize("what", BROKEN_TOKENS)
async def test_a_broken_token_is_no_user(place: Place, what: str) -> None:
    headers = {"Authorization": f"Bearer {BROKEN_TOKENS[what]}" if BROKEN_TOKENS[what] else "Basic YTpi"}
    answer = await place.send(None, "POST", HOLDS, json=place.hold_body(), headers=headers)
    check_problem(answer, 401, "unauthenticated")


async def test_a_customer_cannot_do_what_a_manager_can(place: Place) -> None:
    check_problem(await place.send(Role.customer, "POST", "/api/catalog/movies", json=FILM), 403, "forbidden")
    check_problem(await place.send(None, "POST", "/api/catalog/movies", json=FILM), 401, "unauthenticated")


async def test_somebody_elses_booking_does_not_exist(place: Place) -> None:
    owner = place.world.customer()
    held = await owner.hold(place.showtime["id"], ["C1"])
    await owner.order(held["booking_id"])
    for path in (f"{HOLDS}/{held['booking_id']}", f"/api/ticketing/orders/{held['booking_id']}"):
        answer = await place.send(Role.customer, "GET", path)
        assert answer.status_code == 404
        assert answer.json()["code"].endswith("_not_found")
    stolen = await place.send(
        Role.customer, "POST", f"/api/ticketing/orders/{held['booking_id']}/pay", json={"method": "card"}
    )
    assert stolen.status_code == 404


BAD_LAYOUTS: dict[str, dict[str, Any]] = {
    "2,001 seats": {"rows": 29, "seats_per_row": 69},
    "no seats": {"rows": 0, "seats_per_row": 10},
    "a row that is not there": {"rows": 3, "seats_per_row": 10, "categories": {"premium": ["Q"]}},
    "a seat that is not there": {"rows": 3, "seats_per_row": 10, "accessible": ["A11"]},
    "an unknown category": {"rows": 3, "seats_per_row": 10, "categories": {"throne": ["A"]}},
    "an unknown field": {"rows": 3, "seats_per_row": 10, "balcony": True},
    "neither recipe nor seats": {},
}


@pytest.mark.parametrize("what", BAD_LAYOUTS)
async def test_a_bad_layout_makes_no_hall(place: Place, what: str) -> None:
    theater = place.hall["theater_id"]
    before = (await place.send(None, "GET", f"/api/theaters/{theater}")).json()["halls"]
    body = {"name": "Two", "layout": BAD_LAYOUTS[what]}
    answer = await place.send(Role.manager, "POST", f"/api/theaters/{theater}/halls", json=body)
    check_problem(answer, 422, "validation_error")
    after = (await place.send(None, "GET", f"/api/theaters/{theater}")).json()["halls"]
    assert after == before


def moment(hours: float) -> str:
    """So many hours from now."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + hours * 3600))


BAD_SHOWTIMES: dict[str, tuple[dict[str, Any], str]] = {
    "a start in the past": ({"starts_at": moment(-1)}, "validation_error"),
    "a start without zone": ({"starts_at": "2031-01-01T20:00:00"}, "validation_error"),
    "a negative price": ({"prices": [{**PRICES[0], "amount": -1}, *PRICES[1:]]}, "validation_error"),
    "a category without adult price": ({"prices": PRICES[:2]}, "prices_incomplete"),
    "a format nobody has": ({"format": "smell-o-vision"}, "validation_error"),
}


@pytest.mark.parametrize("what", BAD_SHOWTIMES)
async def test_a_bad_showtime_is_not_scheduled(place: Place, what: str) -> None:
    changes, code = BAD_SHOWTIMES[what]
    body = {
        "movie_id": place.showtime["movie"]["id"],
        "hall_id": place.hall["id"],
        "starts_at": moment(hours=72),
        "format": "2d",
        "language": "en",
        "subtitles": None,
        "prices": PRICES,
        "currency": "EUR",
        "sales_close_minutes": 0,
        "single_seat_rule": True,
        **changes,
    }
    answer = await place.send(Role.manager, "POST", "/api/catalog/showtimes", json=body)
    check_problem(answer, 422, code)
    listed = await place.send(None, "GET", "/api/catalog/showtimes", params={"movie_id": body["movie_id"]})
    assert [each["id"] for each in listed.json()["items"]] == [place.showtime["id"]]


async def test_a_hall_that_is_busy_says_with_what_and_which_are_free(place: Place) -> None:
    manager = place.world.manager()
    again = {"starts_at": place.showtime["starts_at"], "movie_id": place.showtime["movie"]["id"]}
    body = {
        "hall_id": place.hall["id"],
        "format": "2d",
        "language": "en",
        "subtitles": None,
        "prices": PRICES,
        "currency": "EUR",
        "sales_close_minutes": 0,
        "single_seat_rule": True,
        **again,
    }
    answer = await manager.client.post("/api/catalog/showtimes", json=body)
    problem = check_problem(answer, 409, "hall_busy")
    assert [conflict["id"] for conflict in problem["conflicts"]] == [place.showtime["id"]]
    assert place.hall["id"] not in [hall["id"] for hall in problem["free_halls"]]


@pytest.mark.parametrize("signature", [None, "t=1,v1=00", "nonsense"])
async def test_a_forged_webhook_is_refused(place: Place, signature: str | None) -> None:
    headers = {"Stripe-Signature": signature} if signature else {}
    event = {"id": "evt_forged", "type": "payment_intent.succeeded", "data": {"object": {"id": "pi_1"}}}
    answer = await place.send(None, "POST", "/api/ticketing/webhooks/stripe", json=event, headers=headers)
    check_problem(answer, 400, "bad_signature")


UNKNOWN = "95a7f781-e277-49c9-bcd4-b115c2e04a41"  # the same in each worker: it is part of the tests' names
NOWHERE = [
    ("GET", f"/api/catalog/movies/{UNKNOWN}"),
    ("GET", f"/api/catalog/showtimes/{UNKNOWN}"),
    ("GET", f"/api/theaters/{UNKNOWN}"),
    ("GET", f"/api/theaters/halls/{UNKNOWN}"),
    ("GET", f"/api/reservations/showtimes/{UNKNOWN}/seats"),
    ("GET", f"/api/reservations/holds/{UNKNOWN}"),
    ("GET", f"/api/ticketing/orders/{UNKNOWN}"),
    ("GET", f"/api/ticketing/tickets/{UNKNOWN}"),
]


@pytest.mark.parametrize(("method", "path"), NOWHERE)
async def test_an_unknown_id_is_not_found_and_a_malformed_one_is_not_valid(
    place: Place, method: str, path: str
) -> None:
    answer = await place.send(Role.customer, method, path)
    assert answer.status_code == 404
    assert answer.json()["code"].endswith("_not_found")
    malformed = await place.send(Role.customer, method, path.replace(UNKNOWN, "not-an-id"))
    check_problem(malformed, 422, "validation_error")
