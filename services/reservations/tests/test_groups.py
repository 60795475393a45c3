"""Where groups sit, against all ways to choose seats in small halls."""

import time
from collections.abc import Iterator
from itertools import combinations, groupby
from math import hypot, inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reservations.choice import BestAvailable, alternatives, best_places, numbers
from services.reservations.groups import Place
from services.reservations.layouts import Plan
from services.reservations.offers import Offer
from services.reservations.singles import forbids, leaves_single
from services.reservations.tests.cinema import PRICES, plan
from services.shared.events import LayoutSeat
from services.shared.ids import new_id

LARGEST_GROUP = 10


@st.composite
def halls(draw: st.DrawFn, rows: int = 3, per_row: int = 6) -> tuple[Plan, set[int]]:
    """A small hall, perhaps with aisles, and the numbers of its taken seats."""
    aisles = draw(st.sets(st.integers(1, per_row - 1), max_size=2))
    hall = plan(draw(st.integers(1, rows)), draw(st.integers(1, per_row)), sorted(aisles))
    taken = draw(st.sets(st.sampled_from([seat.seat_no for seat in hall.seats])))
    return hall, taken


def offered(hall: Plan, *, rule: bool) -> Offer:
    return Offer(new_id(), 1, "EUR", rule, hall, PRICES)


def found_for(hall: Plan, taken: set[int], count: int, *, rule: bool = False) -> list[Place]:
    return best_places(offered(hall, rule=rule), taken, BestAvailable(count, "adult"))


def parts(seats: list[LayoutSeat]) -> list[list[LayoutSeat]]:
    """The runs of neighbours among some seats: no aisle, no gap."""
    order = sorted(seats, key=lambda seat: (seat.y, seat.x))
    marked = [(seat.y, seat.x - place) for place, seat in enumerate(order)]
    pairs = groupby(zip(marked, order, strict=True), key=lambda pair: pair[0])
    return [[seat for _, seat in run] for _, run in pairs]


def side_by_side(hall: Plan, free: set[int], count: int) -> Iterator[list[LayoutSeat]]:
    for seats in combinations([seat for seat in hall.seats if seat.seat_no in free], count):
        if len(parts(list(seats))) == 1:
            yield list(seats)


def distance(hall: Plan, seats: list[LayoutSeat]) -> float:
    """From the sweet spot, on average: in the middle, two thirds back."""
    xs, ys = [seat.x for seat in hall.seats], [seat.y for seat in hall.seats]
    spot = (min(xs) + max(xs)) / 2, min(ys) + (max(ys) - min(ys)) * 2 / 3
    return sum(hypot(seat.x - spot[0], seat.y - spot[1]) for seat in seats) / len(seats)


def fewest_parts(hall: Plan, free: set[int], count: int) -> float:
    """How many parts a group must have at least: the longest runs of free seats first."""
    runs = sorted((len(run) for run in parts([seat for seat in hall.seats if seat.seat_no in free])), reverse=True)
    needed = next((index for index in range(len(runs) + 1) if sum(runs[:index]) >= count), None)
    return inf if needed is None else needed


@given(halls(), st.integers(1, 5))
def test_a_group_that_fits_side_by_side_gets_the_best_such_place(drawn: tuple[Plan, set[int]], count: int) -> None:
    hall, taken = drawn
    free = numbers(hall.seats) - taken

    def rank(seats: list[LayoutSeat]) -> tuple[bool, float]:
        return leaves_single(hall, free, numbers(seats)), round(distance(hall, seats), 9)

    every = [rank(seats) for seats in side_by_side(hall, free, count)]
    if every:
        first, *others = found_for(hall, taken, count)
        assert rank(list(first)) == min(every)
        assert [rank(list(place)) for place in (first, *others)] == sorted(every)[: len(others) + 1]


@given(halls(), st.integers(1, LARGEST_GROUP))
def test_a_group_gets_seats_if_there_are_enough_in_as_few_parts_as_possible(
    drawn: tuple[Plan, set[int]], count: int
) -> None:
    hall, taken = drawn
    free = numbers(hall.seats) - taken
    found = found_for(hall, taken, count)
    assert bool(found) == (len(free) >= count)
    for place in found:
        assert numbers(place) <= free
        assert len(numbers(place)) == len(place) == count
    if found:
        assert len(parts(list(found[0]))) == fewest_parts(hall, free, count)


@given(halls(), st.integers(1, LARGEST_GROUP))
def test_what_is_offered_keeps_the_single_seat_rule(drawn: tuple[Plan, set[int]], count: int) -> None:
    hall, taken = drawn
    free = numbers(hall.seats) - taken
    offer = offered(hall, rule=True)
    places = [numbers(place) for place in found_for(hall, taken, count, rule=True)]
    wanted = [offer.freeze(seat, "adult") for seat in hall.seats[:count]]
    others = [{hall.by_label[label].seat_no for label in other.seats} for other in alternatives(offer, taken, wanted)]
    for chosen in places + others:
        assert not forbids(hall, free, chosen)
    assert numbers(wanted) not in others
    assert len(others) <= 3


@given(halls(), st.integers(1, LARGEST_GROUP))
def test_places_for_a_crowd_begin_with_the_best_and_share_no_seat(drawn: tuple[Plan, set[int]], count: int) -> None:
    hall, taken = drawn
    free = numbers(hall.seats) - taken
    crowd = best_places(offered(hall, rule=False), taken, BestAvailable(count, "adult"), apart=True)
    good = [numbers(place) for place in crowd if not leaves_single(hall, free, numbers(place))]
    assert all(one.isdisjoint(other) for one, other in combinations(good, 2))
    assert crowd[:1] == found_for(hall, taken, count)[:1]


@given(halls(), st.integers(1, LARGEST_GROUP), st.booleans())
def test_the_same_seats_are_always_the_best(drawn: tuple[Plan, set[int]], count: int, rule: bool) -> None:
    hall, taken = drawn
    again = Plan(hall.seats[::-1])
    assert found_for(hall, taken, count, rule=rule) == found_for(again, taken, count, rule=rule)


@pytest.mark.parametrize("full", [0, 50, 80, 90, 95])
@pytest.mark.parametrize("count", [1, 2, 4, LARGEST_GROUP])
def test_the_largest_hall_is_searched_in_no_time(full: int, count: int) -> None:
    """In CPU time, the least of several: the machine may have other things to do."""
    hall = plan(26, 76, [20, 56])
    taken = {seat.seat_no for seat in hall.seats if seat.seat_no * 7919 % 100 < full}

    def seconds() -> float:
        started = time.thread_time()
        found_for(hall, taken, count, rule=True)
        return time.thread_time() - started

    assert min(seconds() for _ in range(5)) < 0.02
