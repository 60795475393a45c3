import asyncio
import json
from typing import Any

import httpx

from infra.local.testing import Database
from services.shared import migrate
from services.shared.auth import Role
from services.shared.db import Sessions
from services.shared.events import HallClosed, HallLayoutPublished, TheaterChanged
from services.shared.ids import new_id
from services.shared.testing import caller, published
from services.theaters import commands
from services.theaters.app import app
from services.theaters.layouts import Recipe
from services.theaters.tests.conftest import LAYOUT, THEATER

Client = httpx.AsyncClient
Json = dict[str, Any]


def test_the_migrations_make_what_the_models_say(fresh_database: Database) -> None:
    migrate.check("theaters", fresh_database.url("theaters"))


async def test_a_theater_is_made_read_and_announced(manager: Client, theater: Json) -> None:
    assert THEATER.items() <= theater.items()
    assert theater["halls"] == []
    async with caller(app) as anyone:
        assert (await anyone.get(f"/api/theaters/{theater['id']}")).json() == theater
        assert (await anyone.get("/api/theaters")).json() == {"items": [theater], "next_cursor": None}
    [event] = await published(app)
    assert isinstance(event, TheaterChanged)
    assert (str(event.theater.id), event.theater.timezone, event.archived) == (theater["id"], "Europe/Berlin", False)


async def test_a_change_is_announced_with_a_higher_version(manager: Client, theater: Json) -> None:
    changed = await manager.patch(f"/api/theaters/{theater['id']}", json={"name": "New", "latitude": None})
    assert changed.json() == theater | {"name": "New", "latitude": None}
    event = (await published(app))[-1]
    assert isinstance(event, TheaterChanged)
    assert (event.version, event.theater.name) == (2, "New")


async def test_an_archived_theater_is_gone_from_lists_and_closes_its_halls(manager: Client, hall: Json) -> None:
    path = f"/api/theaters/{hall['theater_id']}"
    assert (await manager.delete(path)).status_code == 204
    assert (await manager.get("/api/theaters")).json()["items"] == []
    new_hall = manager.post(f"{path}/halls", json={"name": "2", "layout": LAYOUT})
    for answer in (await manager.get(path), await manager.delete(path), await new_hall):
        assert (answer.status_code, answer.json()["code"]) == (404, "theater_not_found")
    assert (await manager.get(f"/api/theaters/halls/{hall['id']}")).status_code == 200
    seat = await manager.patch(f"/api/theaters/halls/{hall['id']}/seats/A1", json={"out_of_service": True})
    assert seat.json()["code"] == "hall_not_found"
    changed, closed = (await published(app))[-2:]
    assert isinstance(changed, TheaterChanged)
    assert changed.archived
    assert isinstance(closed, HallClosed)
    assert str(closed.hall_id) == hall["id"]


async def test_theaters_are_listed_by_name_or_by_distance_page_by_page(manager: Client) -> None:
    places = {"Paris": (48.85, 2.35), "Lisbon": (38.72, -9.14), "Berlin": (52.52, 13.40), "Nowhere": (None, None)}
    for city, (latitude, longitude) in places.items():
        body = THEATER | {"name": city, "city": city, "latitude": latitude, "longitude": longitude}
        assert (await manager.post("/api/theaters", json=body)).status_code == 201

    async def cities(**query: str) -> list[str]:
        found: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            asked = query | ({"cursor": cursor} if cursor else {})
            answer = (await manager.get("/api/theaters", params={"limit": "2"} | asked)).json()
            found += [theater["city"] for theater in answer["items"]]
            cursor = answer["next_cursor"]
        return found

    assert await cities() == ["Berlin", "Lisbon", "Nowhere", "Paris"]
    assert await cities(near="48.1,11.6") == ["Berlin", "Paris", "Lisbon", "Nowhere"]
    assert await cities(near="40.4,-3.7") == ["Lisbon", "Paris", "Berlin", "Nowhere"]


async def test_a_hall_is_made_with_all_its_seats(manager: Client, hall: Json) -> None:
    assert hall.items() >= {"name": "1", "capacity": 12, "layout_version": 1}.items()
    answer = await manager.get(f"/api/theaters/halls/{hall['id']}/layouts/1")
    layout = answer.json()
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert (layout["hall_id"], layout["version"], len(layout["seats"])) == (hall["id"], 1, 12)
    assert layout["seats"][2] == {
        "seat_no": 3,
        "label": "A3",
        "row": "A",
        "number": 3,
        "category": "standard",
        "x": 3.0,
        "y": 0.0,
        "features": ["aisle"],
    }
    assert layout["screen"] == {"x": 0, "y": -2, "width": 5}
    event = (await published(app))[-1]
    assert isinstance(event, HallLayoutPublished)
    assert [seat.model_dump() for seat in event.seats] == layout["seats"]
    summary = {name: hall[name] for name in ("id", "name", "capacity", "layout_version")}
    assert (await manager.get(f"/api/theaters/{hall['theater_id']}")).json()["halls"] == [summary]


async def test_a_refused_hall_leaves_nothing_behind(manager: Client, theater: Json) -> None:
    before = await published(app)
    layouts: list[Any] = [
        {"rows": 1, "seats_per_row": 2001},
        {"rows": 3, "seats_per_row": 667},
        {"seats": []},
        {},
        [],
        None,
    ]
    for layout in layouts:
        answer = await manager.post(f"/api/theaters/{theater['id']}/halls", json={"name": "1", "layout": layout})
        assert (answer.status_code, answer.json()["code"]) == (422, "validation_error")
    assert (await manager.get(f"/api/theaters/{theater['id']}")).json()["halls"] == []
    assert await published(app) == before


async def test_a_fault_in_a_layout_is_named_by_its_pointer(manager: Client) -> None:
    body = {"layout": LAYOUT | {"gaps": ["A1", "Z1"]}}
    answer = await manager.post("/api/theaters/layouts/preview", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"pointer": "/body/layout/gaps/1", "message": "there is no seat Z1"}]


async def test_a_preview_shows_the_seats_and_makes_nothing(manager: Client) -> None:
    answer = await manager.post("/api/theaters/layouts/preview", json={"layout": LAYOUT})
    assert [seat["label"] for seat in answer.json()["seats"]][:5] == ["A1", "A2", "A3", "A4", "B1"]
    assert await published(app) == []


async def test_a_new_layout_is_a_new_version_and_the_old_one_stays(manager: Client, hall: Json) -> None:
    path = f"/api/theaters/halls/{hall['id']}"
    etag = (await manager.get(path)).headers["etag"]
    body = {"layout": {"rows": 2, "seats_per_row": 2}}
    changed = await manager.put(f"{path}/layout", json=body, headers={"If-Match": etag})
    assert (changed.json()["layout_version"], changed.json()["capacity"]) == (2, 4)
    assert changed.headers["etag"] == '"2"'
    counts = [len((await manager.get(f"{path}/layouts/{version}")).json()["seats"]) for version in (1, 2)]
    assert counts == [12, 4]
    event = (await published(app))[-1]
    assert isinstance(event, HallLayoutPublished)
    assert event.version == event.hall.layout_version == 2


async def test_a_change_of_what_somebody_else_changed_meanwhile_is_refused(manager: Client, hall: Json) -> None:
    path, body = f"/api/theaters/halls/{hall['id']}/layout", {"layout": LAYOUT}
    unseen = await manager.put(path, json=body)
    assert (unseen.status_code, unseen.json()["code"]) == (428, "if_match_required")
    tries = [manager.put(path, json=body, headers={"If-Match": '"1"'}) for _ in range(5)]
    answers = await asyncio.gather(*tries)
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412, 412]
    stale = next(answer.json() for answer in answers if answer.status_code == 412)
    assert (stale["code"], stale["layout_version"]) == ("stale_version", 2)
    for tag, status in (("nonsense", 412), ('"99999999999999999999"', 412), ('"1", "2"', 200), ("*", 200)):
        assert (await manager.put(path, json=body, headers={"If-Match": tag})).status_code == status


async def test_a_seat_out_of_service_makes_a_new_version_once(manager: Client, hall: Json) -> None:
    path = f"/api/theaters/halls/{hall['id']}"
    for _ in range(2):
        out = await manager.patch(f"{path}/seats/B2", json={"out_of_service": True})
        assert (out.json()["layout_version"], out.json()["capacity"]) == (2, 11)
    seats = {seat["label"]: seat["features"] for seat in (await manager.get(f"{path}/layouts/2")).json()["seats"]}
    assert seats["B2"] == ["aisle", "out_of_service"]
    back = await manager.patch(f"{path}/seats/B2", json={"out_of_service": False})
    assert (back.json()["layout_version"], back.json()["capacity"]) == (3, 12)
    assert (await manager.patch(f"{path}/seats/Z9", json={"out_of_service": True})).json()["code"] == "seat_not_found"


async def test_what_has_a_given_id_is_made_once(fresh_database: Database, manager: Client) -> None:
    sessions: Sessions = app.state.sessions
    theater_id, hall_id, seats = new_id(), new_id(), Recipe(rows=2, seats_per_row=2).draw()
    for _ in range(2):
        async with sessions.begin() as session:
            await commands.create_theater(session, id=theater_id, **THEATER)
            await commands.add_hall(session, theater_id, "1", seats, id=hall_id)
    assert [type(event) for event in await published(app)] == [TheaterChanged, HallLayoutPublished]


async def test_seats_that_are_taken_out_of_service_at_the_same_time_are_all_out(manager: Client, hall: Json) -> None:
    path = f"/api/theaters/halls/{hall['id']}"
    labels = ["A1", "A2", "B1", "B1", "C4"]
    out = [manager.patch(f"{path}/seats/{label}", json={"out_of_service": True}) for label in labels]
    assert {answer.status_code for answer in await asyncio.gather(*out)} == {200}
    current = (await manager.get(path)).json()
    assert (current["layout_version"], current["capacity"]) == (5, 8)
    newest = (await published(app))[-1]
    assert isinstance(newest, HallLayoutPublished)
    assert {seat.label for seat in newest.seats if "out_of_service" in seat.features} == set(labels)


ROUTES: list[tuple[str, str]] = [
    ("GET", "/{id}"),
    ("PATCH", "/{id}"),
    ("DELETE", "/{id}"),
    ("POST", "/{id}/halls"),
    ("GET", "/halls/{id}"),
    ("PUT", "/halls/{id}/layout"),
    ("GET", "/halls/{id}/layouts/1"),
    ("PATCH", "/halls/{id}/seats/A1"),
]


async def test_what_is_not_there_answers_404_and_what_is_no_id_422(manager: Client) -> None:
    bodies: dict[str, Json] = {"/{id}/halls": {"name": "1", "layout": LAYOUT}, "/halls/{id}/layout": {"layout": LAYOUT}}
    bodies["/halls/{id}/seats/A1"] = {"out_of_service": True}
    for method, path in ROUTES:
        body = bodies.get(path, {"name": "x"}) if method not in ("GET", "DELETE") else None
        for id_, status in ((new_id(), 404), ("nonsense", 422)):
            url = "/api/theaters" + path.replace("{id}", str(id_))
            answer = await manager.request(method, url, json=body, headers={"If-Match": "*"})
            assert answer.status_code == status, answer.text
            assert answer.headers["content-type"] == "application/problem+json"


BAD_THEATERS: list[Json] = [
    {"price": 1},
    {"name": ""},
    {"name": None},
    {"name": "a\0b"},
    {"name": "\ud800"},
    {"name": 5},
    {"name": "x" * 121},
    {"amenities": ["a\0"]},
    {"amenities": "bar"},
    {"timezone": "Europe/Atlantis"},
    {"timezone": "../../etc/passwd"},
    {"latitude": 91},
    {"latitude": float("nan")},
    {"longitude": 1e400},
]


async def test_bad_theaters_are_refused(manager: Client, theater: Json) -> None:
    headers = {"Content-Type": "application/json"}  # httpx itself refuses to send NaN and lone surrogates
    path = f"/api/theaters/{theater['id']}"
    for change in BAD_THEATERS:
        created = await manager.post("/api/theaters", content=json.dumps(THEATER | change), headers=headers)
        changed = await manager.patch(path, content=json.dumps(change), headers=headers)
        for answer in (created, changed):
            assert (answer.status_code, answer.json()["code"]) == (422, "validation_error"), change
    assert (await manager.get("/api/theaters")).json()["items"] == [theater]


async def test_a_bad_position_is_refused(manager: Client) -> None:
    for near in ("", "1", "91,0", "0,181", "nan,0", "a,b", "1,2,3", "1\0,2"):
        answer = await manager.get("/api/theaters", params={"near": near})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/query/near"), near


async def test_only_managers_change_anything(manager: Client, hall: Json) -> None:
    theater, path = f"/api/theaters/{hall['theater_id']}", f"/api/theaters/halls/{hall['id']}"
    calls: list[tuple[str, str, Json | None]] = [
        ("POST", "/api/theaters", THEATER),
        ("PATCH", theater, {"name": "x"}),
        ("DELETE", theater, None),
        ("POST", f"{theater}/halls", {"name": "2", "layout": LAYOUT}),
        ("POST", "/api/theaters/layouts/preview", {"layout": LAYOUT}),
        ("PUT", f"{path}/layout", {"layout": LAYOUT}),
        ("PATCH", f"{path}/seats/A1", {"out_of_service": True}),
    ]
    before = await published(app)
    for role, status in ((None, 401), (Role.customer, 403), (Role.staff, 403)):
        async with caller(app, role) as client:
            for method, url, body in calls:
                answer = await client.request(method, url, json=body, headers={"If-Match": "*"})
                assert answer.status_code == status, (role, method, url)
    assert await published(app) == before


async def test_nothing_is_stored_about_anyone(manager: Client) -> None:
    user_id = new_id()
    async with caller(app, Role.customer, user_id) as client, caller(app) as anonymous:
        assert (await client.get("/api/theaters/me/export")).json() == {"user_id": str(user_id)}
        assert (await anonymous.get("/api/theaters/me/export")).status_code == 401
