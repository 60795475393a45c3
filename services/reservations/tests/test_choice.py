from collections import Counter

import pytest
from fastapi import FastAPI

from services.reservations.choice import (
    BestAvailable,
    alternatives,
    best_places,
    companions_accompany,
    equivalents,
    numbers,
)
from services.reservations.layouts import Plan
from services.reservations.offers import Offer
from services.reservations.tests.cinema import PRICES, buyer, labels, on_sale, plan, seats
from services.shared.events import HeldSeat
from services.shared.ids import new_id


def offer(hall: Plan, *, rule: bool = False) -> Offer:
    return Offer(new_id(), 1, "EUR", rule, hall, PRICES)


def best(hall: Plan, count: int, *taken: str, rule: bool = False, **wish: object) -> list[str]:
    gone = {hall.by_label[label].seat_no for label in taken}
    places = best_places(offer(hall, rule=rule), gone, BestAvailable(count, "adult", **wish))  # type: ignore[arg-type]
    return sorted(seat.label for seat in places[0]) if places else []


def frozen(hall: Plan, *wanted: str) -> list[HeldSeat]:
    return [offer(hall).freeze(hall.by_label[label], "adult") for label in wanted]


def test_the_best_seats_are_in_the_middle_two_thirds_back() -> None:
    assert best(plan(10, 9), 1) == ["G5"]
    assert best(plan(10, 9), 3) == ["G4", "G5", "G6"]


def test_a_group_sits_together_rather_than_in_the_middle() -> None:
    middle = [f"{row}{number}" for row in "BCD" for number in (3, 4, 5, 6)]
    assert best(plan(4, 8), 4, *middle) == ["A3", "A4", "A5", "A6"]


def test_a_group_does_not_sit_across_an_aisle() -> None:
    assert best(plan(1, 8, [3]), 4) in (["A4", "A5", "A6", "A7"], ["A5", "A6", "A7", "A8"])


def test_a_group_that_fits_in_no_row_sits_in_two_adjacent_ones_and_nobody_alone() -> None:
    found = best(plan(6, 4), 6)
    rows = Counter(label[0] for label in found)
    assert len(rows) == 2
    assert sorted(rows.values()) in ([2, 4], [3, 3])
    assert abs(ord(min(rows)) - ord(max(rows))) == 1


def test_a_group_that_fits_nowhere_gets_nothing() -> None:
    assert best(plan(1, 4), 5) == []
    assert best(plan(3, 3), 7, "B1", "B2", "B3") == []


def test_a_group_too_large_for_any_row_sits_on_both_sides_of_an_aisle() -> None:
    assert best(plan(1, 8, [4]), 6) in (["A1", "A2", "A3", "A4", "A5", "A6"], ["A3", "A4", "A5", "A6", "A7", "A8"])


def test_a_group_for_which_two_parts_are_too_few_sits_in_three_and_nobody_alone() -> None:
    found = best(plan(3, 3), 7)
    assert sorted(Counter(label[0] for label in found).values()) == [2, 2, 3]


def test_parts_of_a_group_sit_near_one_another() -> None:
    hall = plan(6, 8)
    left = {"A1", "A2", "D4", "D5", "E4", "E5"}
    taken = [seat.label for seat in hall.seats if seat.label not in left]
    assert best(hall, 4, *taken) == ["D4", "D5", "E4", "E5"]


def with_couples(hall: Plan, *pairs: str) -> Plan:
    """`K1-K2`, as theaters mark them."""
    feature = {label: [f"couple:{pair}"] for pair in pairs for label in pair.split("-")}
    return Plan(tuple(seat.model_copy(update={"features": feature.get(seat.label, [])}) for seat in hall.seats))


def test_a_couple_seat_is_not_offered_by_halves_unless_nothing_else_is_left() -> None:
    hall = with_couples(plan(1, 8), "A1-A2", "A3-A4", "A5-A6", "A7-A8")
    assert best(hall, 2) in (["A3", "A4"], ["A5", "A6"])
    assert best(hall, 2, "A3", "A6") in (["A1", "A2"], ["A7", "A8"])
    assert best(hall, 1, "A1", "A2", "A3", "A4", "A5", "A6", "A7") == ["A8"]


def test_no_single_is_left_if_it_can_be_helped_with_or_without_the_rule() -> None:
    for rule in (False, True):
        assert best(plan(1, 5), 3, rule=rule) in (["A1", "A2", "A3"], ["A3", "A4", "A5"])
        assert best(plan(1, 3), 2, rule=rule) in (["A1", "A2"], ["A2", "A3"])


def test_a_category_is_kept_to() -> None:
    hall = plan(4, 6, A1="premium", A2="premium")
    assert best(hall, 2, category="premium") == ["A1", "A2"]
    assert best(hall, 3, category="premium") == []


def test_accessible_seats_are_for_those_who_ask() -> None:
    hall = plan(2, 3, A1="accessible", A2="companion")
    assert best(hall, 3) == ["B1", "B2", "B3"]
    assert best(hall, 2, accessible=True) == ["A1", "A2"]
    assert best(hall, 1, accessible=True) == ["A1"]
    assert best(hall, 1, category="accessible") == ["A1"]


def test_one_accessible_seat_is_enough_for_a_group_that_asks_for_it() -> None:
    hall = plan(1, 8, A1="companion", A2="accessible", A3="accessible", A4="companion")
    assert best(hall, 2, accessible=True) in (["A1", "A2"], ["A3", "A4"])
    assert best(hall, 2, "A2", accessible=True) == ["A3", "A4"]


def test_a_group_in_several_parts_has_the_accessible_seat_it_asked_for() -> None:
    hall = plan(8, 4, [2], A1="accessible", A2="companion", H1="accessible")
    gone = [seat.label for seat in hall.seats if seat.row in "CEG"]
    for count in (2, 4, 7):
        assert {"A1", "H1"} & set(best(hall, count, *gone, accessible=True))


def test_an_accessible_seat_is_not_replaced_by_an_ordinary_one() -> None:
    hall = plan(2, 4, A1="accessible", B4="accessible")
    gone = {hall.by_label["A1"].seat_no}
    assert [found.seats for found in alternatives(offer(hall), gone, frozen(hall, "A1"))] == [["B4"]]


@pytest.mark.parametrize(
    ("chosen", "fits"),
    [
        ("A1 A2", True),
        ("A1 A4", True),
        ("A1 B1", True),
        ("A1 A2 A3 A4", True),
        ("A1 A2 A3 A4 B1", False),
        ("A1 C1 A2 A3 A4 B1", True),
        ("A1 A6", False),
        ("A2", False),
        ("A2 A7", False),
        ("A7 A8", True),
    ],
)
def test_companions_sit_near_somebody_in_an_accessible_seat_up_to_three_with_each(chosen: str, fits: bool) -> None:
    hall = plan(
        3, 8, A1="accessible", A2="companion", A3="companion", A4="companion", A6="companion", B1="companion",
        C1="accessible",
    )  # fmt: skip
    assert companions_accompany(hall.by_label[label] for label in chosen.split()) == fits


def test_seats_without_a_price_for_the_ticket_are_left_out() -> None:
    hall = plan(1, 4, A1="vip", A2="vip")
    assert best(hall, 2) == ["A3", "A4"]


def test_alternatives_are_near_and_of_the_same_category_first() -> None:
    hall = plan(3, 8, B5="premium", B6="premium", C7="premium", C8="premium")
    gone = {hall.by_label["B5"].seat_no}
    first, *_ = alternatives(offer(hall), gone, frozen(hall, "B5", "B6"))
    assert first.seats == ["C7", "C8"]
    assert first.total.amount == 3000


def test_alternatives_are_never_the_choice_itself_and_keep_the_rule() -> None:
    hall = plan(1, 7)
    found = alternatives(offer(hall, rule=True), set(), frozen(hall, "A2", "A3"))
    assert [alternative.seats for alternative in found] == [["A1", "A2"], ["A3", "A4"], ["A4", "A5"]]


def test_equivalent_seats_have_the_same_categories_together() -> None:
    hall = plan(2, 6, A1="premium", B1="premium", B6="premium")
    lost = frozen(hall, "A1", "A2")
    taken = numbers(lost)
    assert [{old: new.label for old, new in place.items()} for place in equivalents(hall, taken, lost)] == [
        {"A1": "B1", "A2": "B2"},
        {"A1": "B6", "A2": "B5"},
    ]


@pytest.mark.asyncio(loop_scope="package")
async def test_best_available_holds_seats_together(app: FastAPI) -> None:
    customer = buyer(app, await on_sale(app, seats(6, 9)))
    held = (await customer.best(3)).json()
    assert labels(held) == ["D4", "D5", "D6"] or labels(held) == ["E4", "E5", "E6"]
    assert held["total"]["amount"] == 3600


@pytest.mark.asyncio(loop_scope="package")
async def test_best_available_says_what_else_there_is(app: FastAPI) -> None:
    showtime_id = await on_sale(app, seats(1, 8, A1="premium"))
    problem = (await buyer(app, showtime_id).best(2, category="premium")).json()
    assert (problem["code"], problem["taken"]) == ("seats_taken", [])
    assert problem["alternatives"]
    assert all(len(alternative["seats"]) == 2 for alternative in problem["alternatives"])


@pytest.mark.asyncio(loop_scope="package")
async def test_best_available_in_a_full_house_is_refused(app: FastAPI) -> None:
    showtime_id = await on_sale(app, seats(1, 4))
    await buyer(app, showtime_id).hold("A1", "A2", "A3", "A4")
    problem = (await buyer(app, showtime_id).best(1)).json()
    assert (problem["code"], problem["taken"], problem["alternatives"]) == ("seats_taken", [], [])


@pytest.mark.asyncio(loop_scope="package")
async def test_best_available_needs_a_ticket_that_is_sold(app: FastAPI) -> None:
    showtime_id = await on_sale(app)
    for wish in ({"ticket_type": "senior"}, {"category": "balcony"}):
        assert (await buyer(app, showtime_id).best(2, **wish)).json()["code"] == "ticket_type_not_offered"
