import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from infra.local.testing import Database
from services.catalog.app import app
from services.catalog.handlers import HANDLERS
from services.catalog.tests.conftest import Cinema, Json, a_hall, a_theater, in_hours, offer
from services.shared import migrate
from services.shared.auth import Role
from services.shared.events import (
    HallClosed,
    HallLayoutPublished,
    ShowtimeCancelled,
    ShowtimeChanged,
    ShowtimeScheduled,
    TheaterChanged,
)
from services.shared.ids import new_id
from services.shared.testing import caller, deliver, parked, published

PATH = "/api/catalog/showtimes"


def test_the_migrations_make_what_the_models_say(fresh_database: Database) -> None:
    migrate.check("catalog", fresh_database.url("catalog"))


@pytest.fixture
async def hall(cinema: Cinema) -> HallLayoutPublished:
    made = a_hall(a_theater(), "standard", "premium", "accessible", "companion")
    await cinema.open(made)
    return made


@pytest.fixture
async def film(cinema: Cinema) -> Json:
    return await cinema.film(runtime_minutes=90)


PRICES = [
    {"category": "standard", "ticket_type": "adult", "amount": 1200},
    {"category": "standard", "ticket_type": "child", "amount": 800},
    {"category": "premium", "ticket_type": "adult", "amount": 1500},
    {"category": "companion", "ticket_type": "adult", "amount": 0},
]


async def test_a_showtime_is_scheduled_read_and_announced(
    cinema: Cinema, film: Json, hall: HallLayoutPublished
) -> None:
    made = await cinema.showtime(film, hall, prices=PRICES, accessibility=["captioned"])
    start = datetime.fromisoformat(made["starts_at"])
    assert datetime.fromisoformat(made["ends_at"]) == start + timedelta(minutes=105)
    assert made["movie"] == {
        name: film[name] for name in ("id", "title", "poster_url", "runtime_minutes", "age_rating")
    }
    assert made["theater"] == {"id": str(hall.theater.id), "name": "Lichtspielhaus", "city": "Berlin"}
    assert made["hall"] == {"id": str(hall.hall.id), "name": "1"}
    expected = {"status": "scheduled", "seats_left_hint": 4, "timezone": "Europe/Berlin", "single_seat_rule": True}
    assert expected.items() <= made.items()
    prices = {(price["category"], price["ticket_type"]): price["amount"] for price in made["prices"]}
    assert prices == {
        ("standard", "adult"): 1200,
        ("standard", "child"): 800,
        ("premium", "adult"): 1500,
        ("accessible", "adult"): 1200,
        ("accessible", "child"): 800,
        ("companion", "adult"): 0,
        ("companion", "child"): 800,
    }
    async with caller(app) as anyone:
        assert (await anyone.get(f"{PATH}/{made['id']}")).json() == made
        assert (await anyone.get(PATH)).json()["items"] == [made]
    [event] = await published(app)
    assert isinstance(event, ShowtimeScheduled)
    assert (event.capacity, event.hall.layout_version, len(event.prices), event.film.title) == (4, 1, 7, "Amélie")
    assert event.sales_close_at == start - timedelta(minutes=10)


async def test_each_category_needs_an_adult_price(cinema: Cinema, film: Json, hall: HallLayoutPublished) -> None:
    body = offer(film, hall) | {"starts_at": in_hours(5)}
    for prices, missing in (
        (PRICES[:2], ["premium"]),
        (PRICES[2:3], ["accessible", "companion", "standard"]),
        ([], ["accessible", "companion", "premium", "standard"]),
        ([PRICES[0] | {"ticket_type": "child"}, PRICES[2]], ["accessible", "companion", "standard"]),
    ):
        answer = await cinema.manager.post(PATH, json=body | {"prices": prices})
        assert (answer.status_code, answer.json()["code"]) == (422, "prices_incomplete")
        assert answer.json()["categories"] == missing


async def test_a_busy_hall_is_refused_with_the_conflict_and_the_free_halls(
    cinema: Cinema, film: Json, hall: HallLayoutPublished
) -> None:
    free, busy, elsewhere = a_hall(hall.theater, name="2"), a_hall(hall.theater, name="3"), a_hall(a_theater())
    await cinema.open(free, busy, elsewhere)
    there = await cinema.showtime(film, hall, hours=5, prices=PRICES)
    await cinema.showtime(film, busy, hours=6)
    body = offer(film, hall) | {"prices": PRICES, "starts_at": in_hours(6)}
    answer = await cinema.manager.post(PATH, json=body)
    refusal = answer.json()
    assert (answer.status_code, refusal["code"]) == (409, "hall_busy")
    assert [conflict["id"] for conflict in refusal["conflicts"]] == [there["id"]]
    for name in ("movie", "starts_at", "ends_at"):
        assert refusal["conflicts"][0][name] == there[name]
    assert [(hall_["id"], hall_["name"]) for hall_ in refusal["free_halls"]] == [(str(free.hall.id), "2")]
    assert refusal["free_halls"][0]["theater"]["id"] == str(hall.theater.id)
    assert len(await published(app)) == 2


async def test_a_hall_is_busy_until_it_has_been_cleaned(cinema: Cinema, film: Json, hall: HallLayoutPublished) -> None:
    start = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    body = offer(film, hall) | {"prices": PRICES}
    for minutes, status in ((0, 201), (119, 409), (-119, 409), (120, 201), (-120, 201)):
        starts_at = (start + timedelta(minutes=minutes)).isoformat()
        assert (await cinema.manager.post(PATH, json=body | {"starts_at": starts_at})).status_code == status


async def test_of_many_who_want_the_hall_at_once_one_gets_it(
    cinema: Cinema, film: Json, hall: HallLayoutPublished
) -> None:
    body = offer(film, hall) | {"prices": PRICES}
    tries = [cinema.manager.post(PATH, json=body | {"starts_at": in_hours(5 + place / 10)}) for place in range(10)]
    answers = await asyncio.gather(*tries)
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 9
    assert {len(answer.json()["conflicts"]) for answer in answers if answer.status_code == 409} == {1}


async def test_a_cancelled_showtime_frees_the_hall_and_leaves_the_lists(
    cinema: Cinema, film: Json, hall: HallLayoutPublished
) -> None:
    made = await cinema.showtime(film, hall, prices=PRICES)
    for _ in range(2):
        answer = await cinema.manager.post(f"{PATH}/{made['id']}/cancel", json={"reason": "Projector"})
        assert (answer.status_code, answer.json()["status"]) == (202, "cancelled")
    assert await cinema.items("showtimes") == []
    assert (await cinema.manager.get(f"{PATH}/{made['id']}")).json()["status"] == "cancelled"
    await cinema.showtime(film, hall, prices=PRICES)
    _, cancelled, _ = await published(app)
    assert isinstance(cancelled, ShowtimeCancelled)
    assert (str(cancelled.showtime_id), cancelled.reason, cancelled.version) == (made["id"], "Projector", 2)
    changed = await cinema.manager.patch(f"{PATH}/{made['id']}", json={"single_seat_rule": False})
    assert (changed.status_code, changed.json()["code"]) == (409, "not_scheduled")


async def test_a_showtime_can_be_moved_and_repriced(cinema: Cinema, film: Json, hall: HallLayoutPublished) -> None:
    made = await cinema.showtime(film, hall, hours=5, prices=PRICES)
    later = await cinema.showtime(film, hall, hours=9, prices=PRICES)
    path = f"{PATH}/{made['id']}"
    dearer = [price | {"amount": 2000} for price in PRICES]
    moment = in_hours(6)
    body = {"starts_at": moment, "prices": dearer, "reason": "Football"}
    changed = (await cinema.manager.patch(path, json=body)).json()
    assert datetime.fromisoformat(changed["starts_at"]) == datetime.fromisoformat(moment)
    assert {price["amount"] for price in changed["prices"]} == {2000}
    event = (await published(app))[-1]
    assert isinstance(event, ShowtimeChanged)
    assert (event.version, event.reason, event.sales_close_at) == (
        2,
        "Football",
        event.starts_at - timedelta(minutes=10),
    )
    # It still needs the hall until then itself, and is not in its own way.
    busy = await cinema.manager.patch(path, json={"starts_at": in_hours(7.5)})
    assert (busy.status_code, busy.json()["code"]) == (409, "hall_busy")
    assert [conflict["id"] for conflict in busy.json()["conflicts"]] == [later["id"]]
    for change, code in (
        ({"prices": PRICES[:2]}, "prices_incomplete"),
        ({"starts_at": in_hours(-1)}, "validation_error"),
        ({"starts_at": None}, "validation_error"),
        ({"format": "3d"}, "validation_error"),
    ):
        refused = await cinema.manager.patch(path, json=change)
        assert (refused.status_code, refused.json()["code"]) == (422, code)
    rules = {"single_seat_rule": False, "sales_close_minutes": -30}
    assert (await cinema.manager.patch(path, json=rules)).json().items() >= rules.items()
    nothing: list[Json] = [{}, {"reason": "Just so"}]
    before = await published(app)
    for body in nothing:
        assert (await cinema.manager.patch(path, json=body)).json()["starts_at"] == changed["starts_at"]
    assert await published(app) == before


async def test_past_showtimes_leave_the_lists_by_themselves(
    cinema: Cinema, film: Json, hall: HallLayoutPublished
) -> None:
    made = await cinema.showtime(film, hall, hours=3 / 3600, prices=PRICES)
    still_sold = a_hall(hall.theater)
    await cinema.open(still_sold)
    open_ = await cinema.showtime(film, still_sold, hours=3 / 3600, sales_close_minutes=-30)
    await asyncio.sleep(3.1)
    assert [showtime["id"] for showtime in await cinema.items("showtimes")] == [open_["id"]]
    assert (await cinema.manager.get(f"{PATH}/{made['id']}")).json()["status"] == "past"
    refused = await cinema.manager.patch(f"{PATH}/{made['id']}", json={"single_seat_rule": False})
    assert refused.json()["code"] == "not_scheduled"
    assert (await cinema.manager.post(f"{PATH}/{made['id']}/cancel", json={"reason": "x"})).status_code == 202


async def test_filters_of_showtimes_hold_together(cinema: Cinema, film: Json) -> None:
    berlin = a_hall(a_theater())
    lisbon = a_hall(a_theater(city="São João", timezone="Europe/Lisbon"))
    await cinema.open(berlin, lisbon)
    other = await cinema.film(title="Other")
    day = datetime.now(UTC).date() + timedelta(days=3)
    # 23:30 in Lisbon is the next day in Berlin, in summer and winter
    late = datetime(day.year, day.month, day.day, 23, 30, tzinfo=ZoneInfo("Europe/Lisbon"))
    first = await cinema.showtime(film, berlin, starts_at=late.isoformat(), format="imax", language="de")
    second = await cinema.showtime(other, lisbon, starts_at=late.isoformat(), accessibility=["audio_described"])
    after = str(day + timedelta(days=1))
    cases: list[tuple[dict[str, str], list[Json]]] = [
        ({"movie_id": film["id"]}, [first]),
        ({"theater_id": str(lisbon.theater.id)}, [second]),
        ({"city": "sao joao"}, [second]),
        ({"city": "Sao"}, []),
        ({"date": str(day)}, [second]),
        ({"date": after}, [first]),
        ({"from": str(day), "to": str(day)}, [second]),
        ({"from": str(day), "to": after}, [first, second]),
        ({"from": after}, [first]),
        ({"format": "imax"}, [first]),
        ({"format": "imax", "city": "Sao Joao"}, []),
        ({"language": "DE"}, [first]),
        ({"accessibility": "audio_described"}, [second]),
        ({"accessibility": "captioned"}, []),
    ]
    for query, showtimes in cases:
        found = await cinema.items("showtimes", **query)
        assert found == sorted(showtimes, key=lambda showtime: showtime["id"]), query
    assert await cinema.titles(date=str(day), theater_id=str(lisbon.theater.id)) == ["Other"]


async def test_a_week_is_scheduled_at_once_or_not_at_all(cinema: Cinema, film: Json, hall: HallLayoutPublished) -> None:
    zone = ZoneInfo("Europe/Berlin")
    first = datetime.now(zone).date() + timedelta(days=2)
    days = [str(first + timedelta(days=number)) for number in range(7)]
    pattern = offer(film, hall) | {"prices": PRICES, "days": days, "times": ["17:00", "20:15"]}
    dry = await cinema.manager.post(f"{PATH}/batch", json=pattern | {"dry_run": True})
    assert dry.status_code == 200
    assert (len(dry.json()["planned"]), dry.json()["conflicts"], dry.json()["showtimes"]) == (14, [], [])
    assert await cinema.items("showtimes") == []
    made = await cinema.make(f"{PATH}/batch", pattern)
    starts = [datetime.fromisoformat(showtime["starts_at"]).astimezone(zone) for showtime in made["showtimes"]]
    assert {(start.hour, start.minute) for start in starts} == {(17, 0), (20, 15)}
    assert len(await published(app)) == 14
    clash = pattern | {"days": [days[6], str(first + timedelta(days=7))], "times": ["18:30"]}
    refused = await cinema.manager.post(f"{PATH}/batch", json=clash)
    assert (refused.status_code, refused.json()["code"], len(refused.json()["conflicts"])) == (409, "hall_busy", 2)
    preview = await cinema.manager.post(f"{PATH}/batch", json=clash | {"dry_run": True})
    assert [found["id"] for found in preview.json()["conflicts"]] == [item["id"] for item in made["showtimes"][-2:]]
    assert len(await cinema.items("showtimes")) == 14
    faults: list[Json] = [{"times": ["17:00", "18:00"]}, {"times": ["25:00"]}, {"days": ["2020-01-01"]}, {"days": []}]
    for fault in faults:
        assert (await cinema.manager.post(f"{PATH}/batch", json=pattern | fault)).status_code == 422


async def test_free_halls_are_asked_for_by_time_or_by_day(cinema: Cinema, film: Json) -> None:
    theater = a_theater()
    taken, free, elsewhere = a_hall(theater, name="1"), a_hall(theater, name="2"), a_hall(a_theater(name="Other"))
    await cinema.open(taken, free, elsewhere)
    showtime = await cinema.showtime(film, taken, hours=30)
    start, end = (datetime.fromisoformat(showtime[name]) for name in ("starts_at", "ends_at"))
    day = str(start.astimezone(ZoneInfo("Europe/Berlin")).date())
    here = {"theater_id": str(theater.id)}

    async def names(**query: str) -> list[str]:
        return [hall["name"] for hall in await cinema.items("halls/free", **query)]

    assert await names(**{"from": start.isoformat(), "to": end.isoformat()}) == ["2", "1"]
    assert await names(**here, **{"from": start.isoformat(), "to": end.isoformat()}) == ["2"]
    cleaned = (end + timedelta(minutes=15)).isoformat()
    assert await names(**here, **{"from": cleaned, "to": in_hours(40)}) == ["1", "2"]
    assert await names(**here, **{"from": day, "to": day}) == ["2"]
    naive = await cinema.manager.get("/api/catalog/halls/free", params={"from": "2030-01-01T10:00:00", "to": day})
    assert naive.status_code == 422


async def test_a_hall_that_has_just_been_made_is_waited_for(cinema: Cinema, film: Json) -> None:
    hall = a_hall(a_theater())
    asked = asyncio.create_task(cinema.showtime(film, hall))
    await asyncio.sleep(0.2)
    await cinema.open(hall)
    assert (await asked)["hall"]["id"] == str(hall.hall.id)


async def test_a_hall_that_does_not_come_may_be_asked_for_again(cinema: Cinema, film: Json) -> None:
    answer = await cinema.manager.post(PATH, json=offer(film, a_hall(a_theater())) | {"starts_at": in_hours(5)})
    assert (answer.status_code, answer.json()["code"], answer.json()["retryable"]) == (404, "hall_not_found", True)


async def test_a_closed_hall_takes_no_more_showtimes(cinema: Cinema, film: Json, hall: HallLayoutPublished) -> None:
    await deliver(app, HANDLERS, HallClosed(hall_id=hall.hall.id, theater_id=hall.theater.id))
    answer = await cinema.manager.post(PATH, json=offer(film, hall) | {"prices": PRICES, "starts_at": in_hours(5)})
    assert (answer.status_code, answer.json()["code"]) == (404, "hall_not_found")
    await deliver(app, HANDLERS, HallClosed(hall_id=new_id(), theater_id=hall.theater.id))
    assert [message.name for message in await parked(app)] == ["HallClosed"]


async def test_older_versions_that_come_late_are_ignored(cinema: Cinema, film: Json) -> None:
    theater, hall_id = a_theater(), new_id()
    old, new = a_hall(theater), a_hall(theater, "standard", "standard", version=2)
    events_ = [event.model_copy(update={"hall": event.hall.model_copy(update={"id": hall_id})}) for event in (new, old)]
    renamed = TheaterChanged(theater=theater.model_copy(update={"name": "New"}), version=2)
    await deliver(app, HANDLERS, *events_, renamed, TheaterChanged(theater=theater, version=1))
    made = await cinema.showtime(film, events_[0])
    assert (made["seats_left_hint"], made["theater"]["name"]) == (2, "New")


async def test_a_theater_that_moves_to_another_zone_tells_its_showtimes(
    cinema: Cinema, film: Json, hall: HallLayoutPublished
) -> None:
    tomorrow = datetime.now(UTC).date() + timedelta(days=2)
    start = datetime(tomorrow.year, tomorrow.month, tomorrow.day, 12, tzinfo=UTC)
    made = await cinema.showtime(film, hall, starts_at=start.isoformat(), prices=PRICES)
    moved = hall.theater.model_copy(update={"timezone": "Pacific/Kiritimati"})
    await deliver(app, HANDLERS, TheaterChanged(theater=moved, version=2), TheaterChanged(theater=moved, version=3))
    day = start.astimezone(ZoneInfo("Pacific/Kiritimati")).date()
    assert [found["id"] for found in await cinema.items("showtimes", date=str(day))] == [made["id"]]
    changes = [event for event in await published(app) if isinstance(event, ShowtimeChanged)]
    assert [event.theater.timezone for event in changes] == ["Pacific/Kiritimati"]


BAD_SHOWTIMES: list[Json] = [
    {"starts_at": in_hours(-1)},
    {"starts_at": "2030-01-01T20:00:00"},
    {"starts_at": "9999-12-31T23:59:59Z"},
    {"starts_at": "soon"},
    {"prices": [PRICES[0] | {"amount": -1}]},
    {"prices": [PRICES[0] | {"amount": 2**63}]},
    {"prices": [PRICES[0] | {"amount": "1200"}]},
    {"prices": [PRICES[0] | {"category": "royal"}]},
    {"prices": [PRICES[0], PRICES[0]]},
    {"prices": [PRICES[0], PRICES[2]]},
    {"format": "5d"},
    {"language": "\0"},
    {"currency": "euro"},
    {"currency": "USD"},
    {"sales_close_minutes": -31},
    {"sales_close_minutes": 2**40},
    {"single_seat_rule": "yes"},
    {"accessibility": ["loud"]},
    {"movie_id": "1"},
    {"status": "past"},
]


async def test_bad_showtimes_are_refused(cinema: Cinema, film: Json) -> None:
    hall = a_hall(a_theater())
    await cinema.open(hall)
    for change in BAD_SHOWTIMES:
        answer = await cinema.manager.post(PATH, json=offer(film, hall) | {"starts_at": in_hours(5)} | change)
        assert (answer.status_code, answer.json()["code"]) == (422, "validation_error"), change
        assert answer.json()["errors"]
    assert await published(app) == []


async def test_what_is_not_there_answers_404(cinema: Cinema, film: Json, hall: HallLayoutPublished) -> None:
    body = offer(film, hall) | {"prices": PRICES, "starts_at": in_hours(5), "movie_id": str(new_id())}
    answers: list[tuple[httpx.Response, str]] = [
        (await cinema.manager.post(PATH, json=body), "movie_not_found"),
        (await cinema.manager.get(f"{PATH}/{new_id()}"), "showtime_not_found"),
        (await cinema.manager.patch(f"{PATH}/{new_id()}", json={}), "showtime_not_found"),
        (await cinema.manager.post(f"{PATH}/{new_id()}/cancel", json={"reason": "x"}), "showtime_not_found"),
    ]
    for answer, code in answers:
        assert (answer.status_code, answer.json()["code"]) == (404, code)


async def test_only_managers_change_showtimes(cinema: Cinema, film: Json, hall: HallLayoutPublished) -> None:
    made = await cinema.showtime(film, hall, prices=PRICES)
    path = f"{PATH}/{made['id']}"
    calls: list[tuple[str, str, Any]] = [
        ("POST", PATH, offer(film, hall) | {"starts_at": in_hours(5)}),
        ("POST", f"{PATH}/batch", offer(film, hall) | {"days": ["2030-01-01"], "times": ["20:00"]}),
        ("PATCH", path, {"single_seat_rule": False}),
        ("POST", f"{path}/cancel", {"reason": "x"}),
        ("GET", "/api/catalog/halls/free?from=2030-01-01&to=2030-01-01", None),
    ]
    for role, status in ((None, 401), (Role.customer, 403), (Role.staff, 403)):
        async with caller(app, role) as client:
            for method, url, body in calls:
                assert (await client.request(method, url, json=body)).status_code == status
    assert await cinema.items("showtimes") == [made]
