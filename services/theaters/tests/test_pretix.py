"""Plans as pretix's editor saves them, written for these tests after its schema."""

import json
import time
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from services.shared.auth import Role
from services.shared.events import HallLayoutPublished, LayoutSeat
from services.shared.ids import new_id
from services.shared.testing import caller, published
from services.theaters.app import app
from services.theaters.layouts.pretix import PretixPlan, category

Json = dict[str, Any]
SPACING = 25


def a_seat(number: str, x: float, y: float = 0, kind: str = "Parkett") -> Json:
    ids = {"seat_guid": str(new_id()), "uuid": str(new_id())}
    return ids | {"seat_number": number, "position": {"x": x, "y": y}, "category": kind, "radius": 10}


def a_row(name: str, seats: list[Json], y: float = 0, x: float = 0) -> Json:
    shown = {"row_number_position": "both", "row_label": None, "seat_label": "Platz %s"}
    return {"row_number": name, "uuid": str(new_id()), "position": {"x": x, "y": y}, "seats": seats} | shown


def a_zone(name: str, rows: list[Json], x: float = 0, y: float = 0) -> Json:
    screen = {"shape": "text", "position": {"x": 5, "y": 5}, "text": {"text": "Leinwand", "position": {"x": 0, "y": 0}}}
    identity = {"name": name, "zone_id": name.lower(), "uuid": str(new_id())}
    return identity | {"position": {"x": x, "y": y}, "rows": rows, "areas": [screen | {"rotation": 12.5}]}


def a_plan(*zones: Json, kinds: tuple[str, ...] = ("Parkett",)) -> Json:
    categories = [{"name": kind, "color": "#a3231f"} for kind in kinds]
    return {"name": "Saal 1", "categories": categories, "zones": list(zones), "size": {"width": 800, "height": 600}}


def straight(numbers: range, aisle_after: int = 0) -> list[Json]:
    wider = [number > aisle_after > 0 for number in numbers]
    return [a_seat(str(number), SPACING * (number + 2 * wide)) for number, wide in zip(numbers, wider, strict=True)]


def drawn(*zones: Json, kinds: tuple[str, ...] = ("Parkett",)) -> list[LayoutSeat]:
    return PretixPlan.model_validate(a_plan(*zones, kinds=kinds)).draw()


def labels(seats: list[LayoutSeat]) -> list[str]:
    return [seat.label for seat in seats]


def test_pixels_become_seat_widths_and_aisles_stay() -> None:
    rows = [a_row("A", straight(range(1, 7), aisle_after=3), y=40), a_row("B", straight(range(1, 7)), y=90, x=12)]
    seats = drawn(a_zone("Parkett", rows, x=100, y=60))
    assert labels(seats) == [*(f"A{number}" for number in range(1, 7)), *(f"B{number}" for number in range(1, 7))]
    assert [seat.seat_no for seat in seats] == list(range(1, 13))
    assert [seat.x for seat in seats] == [0, 1, 2, 5, 6, 7, 0.5, 1.5, 2.5, 3.5, 4.5, 5.5]
    assert {seat.row: seat.y for seat in seats} == {"A": 0, "B": 2}
    assert {seat.number for seat in seats} == set(range(1, 7))


def test_seats_of_a_curved_row_are_neighbours() -> None:
    curve = [a_seat(str(n), 24.2 * n, 3.0 * (n - 5) ** 2 / 4) for n in range(1, 10)]
    seats = drawn(a_zone("", [a_row("A", curve)]))
    assert [seat.x for seat in seats] == list(range(9))
    assert max(seat.y for seat in seats) > 0


def test_seats_around_a_table_stay_where_they_are() -> None:
    around = [(0, -20), (20, 0), (0, 20), (-20, 0)]
    table = [a_seat(str(n), x, y) for n, (x, y) in enumerate(around, 1)]
    seats = {seat.number: (seat.x, seat.y) for seat in drawn(a_zone("", [a_row("T", table)]))}
    assert seats[1][0] == seats[3][0]
    assert seats[2][1] == seats[4][1]
    assert len(set(seats.values())) == 4


def test_categories_are_known_by_their_names() -> None:
    names = {
        *("VIP-Lounge", "premium seats", "Rollstuhlplatz", "Wheelchair", "Companion (wheelchair)", "Begleitperson"),
        *("Couple", "Pärchensitz", "Kategorie 1", ""),
    }
    assert {name: category(name) for name in names} == {
        "VIP-Lounge": "vip",
        "premium seats": "premium",
        "Rollstuhlplatz": "accessible",
        "Wheelchair": "accessible",
        "Companion (wheelchair)": "companion",
        "Begleitperson": "companion",
        "Couple": "couple",
        "Pärchensitz": "couple",
        "Kategorie 1": "standard",
        "": "standard",
    }


def test_couple_seats_are_paired_and_places_for_wheelchairs_marked() -> None:
    kinds = ("Couple", "Rollstuhl")
    sofas = [a_seat(str(number), SPACING * number, kind="Couple") for number in range(1, 6)]
    seats = drawn(a_zone("", [a_row("A", [*sofas, a_seat("9", 200, kind="Rollstuhl")])]), kinds=kinds)
    features = {seat.label: seat.features for seat in seats}
    assert features["A1"] == features["A2"] == ["couple:A1-A2"]
    assert features["A3"] == features["A4"] == ["couple:A3-A4"]
    assert (features["A5"], features["A9"]) == ([], ["accessible"])


def test_rows_of_one_name_are_told_apart_unless_they_are_one_row() -> None:
    left = a_zone("Links", [a_row("A", straight(range(1, 4)))])
    right = a_zone("Rechts", [a_row("A", straight(range(4, 7)), y=2)], x=200)
    balcony = a_zone("Balkon", [a_row("A", straight(range(1, 4))), a_row("A", straight(range(1, 4)), y=40)], y=300)
    seats = drawn(left, right, balcony)
    assert labels(seats) == [
        *(f"A{number}" for number in range(1, 7)),
        *(f"B-A-{number}" for number in range(1, 4)),
        *(f"A-2-{number}" for number in range(1, 4)),
    ]
    assert len({(seat.row, seat.number) for seat in seats}) == len(seats)


def test_names_and_numbers_are_tidied_into_labels() -> None:
    rows = [
        a_row("Reihe 1", [a_seat("1", 0), a_seat("1-2", 25)], y=0),
        a_row("B", [a_seat("B-7", 0), a_seat("B8", 25)], y=50),
        a_row("", [a_seat("", 0), a_seat("", 25)], y=100),
        a_row("C/D", [a_seat("1a", 0), a_seat("1b", 25)], y=150),
    ]
    seats = drawn(a_zone("", rows))
    assert labels(seats) == ["1-1", "1-2", "B7", "B8", "A1", "A2", "C-D-1a", "C-D-1b"]
    assert [seat.number for seat in seats] == [1, 2, 7, 8, 1, 2, 1, 2]


@pytest.mark.parametrize("name", ["", "A", "Longname"])
def test_two_thousand_rows_of_one_name_are_told_apart_at_once(name: str) -> None:
    rows = [a_row(name, [a_seat("1", 0)], y=50 * number) for number in range(2000)]
    started = time.process_time()
    seats = drawn(a_zone("Parkett", rows))
    assert time.process_time() - started < 2
    assert len({seat.label for seat in seats}) == len({seat.row for seat in seats}) == 2000
    assert all(0 < len(seat.row) <= 8 for seat in seats)


def test_a_plan_of_the_first_editor_is_read_too() -> None:
    seat = {"seat_guid": "a", "seat_number": "1", "position": {"x": 3, "y": 4}, "category": "Parkett"}
    row = {"row_number": "A", "seats": [seat], "number_of_seats": 1, "seats_spacing": 20}
    zone = {"position": {"x": 0, "y": 0}, "rows": [row], "displayed": False}
    assert labels(
        PretixPlan.model_validate({"name": "Old", "categories": [{"name": "Parkett"}], "zones": [zone]}).draw()
    ) == ["A1"]


GOOD = a_seat("1", 0)


@pytest.mark.parametrize(
    ("rows", "place"),
    [
        ([a_row("A", [GOOD, GOOD | {"seat_number": "2"}])], ("zones", 0, "rows", 0, "seats", 1, "seat_guid")),
        ([a_row("A", [GOOD, a_seat("1", 25)])], ("zones", 0, "rows", 0, "seats", 1, "seat_number")),
        ([a_row("A", [GOOD, a_seat("2", 0)])], ("zones", 0, "rows", 0, "seats", 1, "position")),
        ([a_row("A", [a_seat("1", 0, kind="Rang")])], ("zones", 0, "rows", 0, "seats", 0, "category")),
        ([a_row("A", [a_seat("12345678", 0)])], ("zones", 0, "rows", 0, "seats", 0, "seat_number")),
        ([a_row("Very long name", [GOOD])], ("zones", 0, "rows", 0, "row_number")),
        ([a_row("A", [a_seat("1", 1e9)])], ("zones", 0, "rows", 0, "seats", 0, "position", "x")),
        ([a_row("A", [{"seat_number": "1"}])], ("zones", 0, "rows", 0, "seats", 0, "position")),
        ([a_row("A", [])], ("zones",)),
        ([a_row(f"R{number}", straight(range(1, 1002)), y=number) for number in range(2)], ("zones",)),
    ],
    ids=lambda value: "/".join(map(str, value)) if isinstance(value, tuple) else "",
)
def test_a_fault_in_a_plan_is_refused_at_its_place(rows: list[Json], place: tuple[str | int, ...]) -> None:
    with pytest.raises(ValidationError) as refusal:
        PretixPlan.model_validate(a_plan(a_zone("Parkett", rows)))
    assert place in [fault["loc"] for fault in refusal.value.errors()]


async def test_a_plan_becomes_a_hall(manager: httpx.AsyncClient, theater: Json) -> None:
    path = f"/api/theaters/{theater['id']}/halls/import"
    plan = a_plan(*(a_zone(f"{zone}", [a_row("A", straight(range(1, 101)))], y=zone * 50) for zone in range(20)))
    body = json.dumps(plan, indent=8)
    assert len(body) > 2**20
    headers = {"Content-Type": "application/json"}
    made = await manager.post(path, params={"format": "pretix"}, content=body, headers=headers)
    assert made.status_code == 201, made.text
    assert made.json().items() >= {"name": "Saal 1", "capacity": 2000, "layout_version": 1}.items()
    assert made.headers["ETag"] == '"1"'
    layout = (await manager.get(f"/api/theaters/halls/{made.json()['id']}/layouts/1")).json()
    event = (await published(app))[-1]
    assert isinstance(event, HallLayoutPublished)
    assert [seat.model_dump() for seat in event.seats] == layout["seats"]
    again = {"layout": {"seats": layout["seats"]}}
    edited = await manager.put(
        f"/api/theaters/halls/{made.json()['id']}/layout", json=again, headers={"If-Match": made.headers["ETag"]}
    )
    assert edited.json()["layout_version"] == 2


async def test_what_is_no_plan_is_refused_with_pointers(manager: httpx.AsyncClient, theater: Json) -> None:
    path = f"/api/theaters/{theater['id']}/halls/import"
    bad = a_plan(a_zone("Parkett", [a_row("A", [a_seat("1", 0, kind="Rang")])]))
    answer = await manager.post(path, params={"format": "pretix"}, json=bad)
    pointer = "/body/zones/0/rows/0/seats/0/category"
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_error")
    assert answer.json()["errors"] == [{"pointer": pointer, "message": "there is no such category"}]
    good = a_plan(a_zone("Parkett", [a_row("A", straight(range(1, 3)))]))
    for query in ({}, {"format": "svg"}):
        answer = await manager.post(path, params=query, json=good)
        assert answer.json()["errors"][0]["pointer"] == "/query/format"
    nowhere = await manager.post(f"/api/theaters/{new_id()}/halls/import?format=pretix", json=good)
    assert (nowhere.status_code, nowhere.json()["code"]) == (404, "theater_not_found")
    async with caller(app, Role.staff) as staff:
        assert (await staff.post(f"{path}?format=pretix", json=good)).status_code == 403
    assert (await manager.get(f"/api/theaters/{theater['id']}")).json()["halls"] == []
