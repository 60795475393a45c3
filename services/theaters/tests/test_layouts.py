from collections import defaultdict
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from infra.demo.data import theaters
from services.theaters.layouts import Recipe, SeatPlan
from services.theaters.layouts.recipe import row_names

BRIEF: dict[str, Any] = {
    "rows": 10,
    "seats_per_row": 14,
    "aisles_after": [4, 10],
    "categories": {"premium": ["H", "J"]},
    "accessible": ["A1", "A2"],
    "companion": ["A3"],
    "couples": ["K1-K2"],
    "gaps": ["A7"],
}


def seat(label: str, x: float, **more: Any) -> dict[str, Any]:
    return {"label": label, "row": label[0], "number": int(label[1:]), "x": x, "y": 0, **more}


def test_rows_are_letters_without_i_and_o_and_then_pairs_of_them() -> None:
    names = row_names(600)
    assert names[:9] == list("ABCDEFGHJ")
    assert names[23:27] == ["Z", "AA", "AB", "AC"]
    assert len(set(names)) == 600
    assert not any(letter in name for name in names for letter in "IO")


def test_a_recipe_draws_its_grid_less_the_gaps_in_reading_order() -> None:
    seats = Recipe.model_validate(BRIEF).draw()
    assert [seat.seat_no for seat in seats] == list(range(1, 140))
    assert [seat.label for seat in seats[4:8]] == ["A5", "A6", "A8", "A9"]
    assert {seat.row for seat in seats} == set("ABCDEFGHJK")


def test_single_seats_override_the_category_of_their_row() -> None:
    by_label = {seat.label: seat for seat in Recipe.model_validate(BRIEF).draw()}
    categories = {label: by_label[label].category for label in ("A1", "A3", "A5", "H1", "J14", "K1", "K2", "K3")}
    assert list(categories.values()) == [
        *("accessible", "companion", "standard", "premium", "premium"),
        *("couple", "couple", "standard"),
    ]
    assert by_label["K1"].features == by_label["K2"].features == ["couple:K1-K2"]
    assert by_label["A1"].features == ["accessible"]
    assert by_label["B4"].features == by_label["B5"].features == ["aisle"]


def test_aisles_and_gaps_part_neighbours_and_nothing_else_does() -> None:
    x = {seat.label: seat.x for seat in Recipe.model_validate(BRIEF).draw()}
    assert x["B4"] - x["B3"] == 1
    assert x["B5"] - x["B4"] == 2
    assert x["A8"] - x["A6"] == 2
    assert x["B14"] == 15


@given(st.integers(1, 40), st.integers(1, 40), st.data())
def test_blocks_can_always_be_told_from_the_positions(rows: int, width: int, data: st.DataObject) -> None:
    aisles = data.draw(st.sets(st.integers(1, width - 1), max_size=4)) if width > 1 else set()
    gaps = data.draw(st.sets(st.integers(1, width), max_size=max(0, width - 1)))
    recipe = Recipe(rows=rows, seats_per_row=width, aisles_after=sorted(aisles), gaps=[f"A{gap}" for gap in gaps])
    by_row = defaultdict(list)
    for drawn in recipe.draw():
        by_row[drawn.row].append(drawn)
    assert len(by_row) == rows
    for row in by_row.values():
        for left, right in pairwise(row):
            together = right.number == left.number + 1 and left.number not in aisles
            assert (right.x - left.x == 1) == together
            assert right.x - left.x >= 1


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"categories": {"premium": ["I"]}}, ("categories", "premium", 0)),
        ({"categories": {"premium": ["H"], "vip": ["H"]}}, ("categories", "vip", 0)),
        ({"categories": {"royal": ["H"]}}, ("categories", "royal", "[key]")),
        ({"gaps": ["A15"]}, ("gaps", 0)),
        ({"gaps": ["A01"]}, ("gaps", 0)),
        ({"gaps": ["B1", "B1"]}, ("gaps", 1)),
        ({"accessible": ["L1"]}, ("accessible", 0)),
        ({"companion": ["A1"]}, ("companion", 0)),
        ({"couples": ["K1-K3"]}, ("couples", 0)),
        ({"couples": ["K4-K5"]}, ("couples", 0)),
        ({"couples": ["K1-J2"]}, ("couples", 0)),
        ({"couples": ["K1-K2", "K2-K3"]}, ("couples", 1)),
        ({"aisles_after": [14]}, ("aisles_after", 0)),
        ({"aisles_after": [4, 4]}, ("aisles_after", 1)),
        ({"rows": 0}, ("rows",)),
        ({"rows": "10"}, ("rows",)),
        ({"rows": 2**40}, ("rows",)),
        ({"rows": 150}, ("rows",)),
        ({"colour": "red"}, ("colour",)),
    ],
)
def test_a_fault_in_a_recipe_is_refused_at_its_place(changes: dict[str, Any], place: tuple[str | int, ...]) -> None:
    with pytest.raises(ValidationError) as refusal:
        Recipe.model_validate(BRIEF | changes)
    assert place in [fault["loc"] for fault in refusal.value.errors()]


def test_a_hall_has_up_to_2000_seats_and_at_least_one() -> None:
    assert len(Recipe(rows=40, seats_per_row=50).draw()) == 2000
    assert len(Recipe(rows=3, seats_per_row=667, gaps=["A1"]).draw()) == 2000
    for recipe in ({"rows": 3, "seats_per_row": 667}, {"rows": 1, "seats_per_row": 2, "gaps": ["A1", "A2"]}):
        with pytest.raises(ValidationError):
            Recipe.model_validate(recipe)


def test_listed_seats_are_numbered_in_reading_order_unless_they_bring_their_numbers() -> None:
    drawn = SeatPlan.model_validate({"seats": [seat("A2", 1.0), seat("A1", 0.0), seat("A4", 3.5)]}).draw()
    assert [(found.seat_no, found.label, found.category) for found in drawn] == [
        *((1, "A1", "standard"), (2, "A2", "standard"), (3, "A4", "standard"))
    ]
    numbered = SeatPlan.model_validate({"seats": [seat("A2", 1.0, seat_no=7), seat("A1", 0.0, seat_no=9)]}).draw()
    assert [found.seat_no for found in numbered] == [9, 7]


@pytest.mark.parametrize(
    ("seats", "place"),
    [
        ([seat("A1", 0), seat("A1", 1)], ("seats", 1, "label")),
        ([seat("A1", 0), seat("A1", 1) | {"label": "other"}], ("seats", 1, "number")),
        ([seat("A1", 0), seat("A2", 0)], ("seats", 1, "x")),
        ([seat("A1", 0, seat_no=1), seat("A2", 1)], ("seats", 1, "seat_no")),
        ([seat("A1", 0, seat_no=1), seat("A2", 1, seat_no=1)], ("seats", 1, "seat_no")),
        ([seat("A1", 0, category="royal")], ("seats", 0, "category")),
        ([seat("A1", float("nan"))], ("seats", 0, "x")),
        ([seat("A1", 0) | {"label": "A/1"}], ("seats", 0, "label")),
        ([seat("A1", 0) | {"row": "A\0"}], ("seats",)),
        ([], ("seats",)),
        ([seat(f"A{number}", number) for number in range(2001)], ("seats",)),
    ],
)
def test_a_fault_in_listed_seats_is_refused_at_its_place(
    seats: list[dict[str, Any]], place: tuple[str | int, ...]
) -> None:
    with pytest.raises(ValidationError) as refusal:
        SeatPlan.model_validate({"seats": seats})
    assert place in [fault["loc"] for fault in refusal.value.errors()]


def test_the_halls_of_the_demo_cinema_can_be_drawn() -> None:
    for hall in (hall for theater in theaters() for hall in theater.halls):
        drawn = Recipe.model_validate(hall.layout.model_dump(mode="json")).draw()
        assert len(drawn) == hall.capacity
