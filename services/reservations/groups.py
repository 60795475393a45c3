"""Where a group sits: side by side if there is room; else in two groups near one another; else in as few as possible.

Everything here is a matter of taste, and cheap: whether the seats are still free, the claim decides.
"""

from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from heapq import nsmallest
from math import hypot

from services.reservations.layouts import Block, Plan, places, runs
from services.reservations.singles import leaves_single
from services.shared.events import LayoutSeat

Place = tuple[LayoutSeat, ...]
Score = Callable[[Place], float]

# What it is worth, in seat widths: that nobody sits alone, and that a couple seat is not sold by halves.
ALONE = 6.0
HALF = 6.0
# How many parts a group may begin with, and of how many next parts the one that leaves no single seat is taken.
ANCHORS = 4
NEXT_PARTS = 4
PAIR = 2
# Ways to part a group in two: all of them up to ten people; of larger ones, whom only staff seat, the most even.
SPLITS = 9


def together(plan: Plan, free: Set[int], count: int) -> Iterator[Block]:
    for row in plan.rows:
        yield from in_row(row, free, count)


def in_row(row: Sequence[Block], free: Set[int], count: int) -> Iterator[Block]:
    for block in row:
        yield from places(block, free, count)


def comfort(plan: Plan, spot: tuple[float, float]) -> Score:
    """How far people sit from a spot on average, the smaller the better; halves of couple seats count extra."""

    x, y = spot

    def score(place: Place) -> float:
        distance = sum([hypot(seat.x - x, seat.y - y) for seat in place]) / len(place)
        return distance + HALF * split_couples(plan, place) if plan.halves else distance

    return score


def split_couples(plan: Plan, place: Place) -> int:
    chosen = {seat.seat_no for seat in place}
    return sum(1 for seat_no in chosen if plan.halves.get(seat_no, seat_no) not in chosen)


@dataclass(frozen=True)
class Part:
    """Some of a group, side by side; `x` and `y` are its middle."""

    seats: Place
    numbers: frozenset[int]
    score: float
    x: float
    y: float

    def away_from(self, other: "Part") -> float:
        """In seat widths, from middle to middle."""
        return hypot(self.x - other.x, self.y - other.y)


@dataclass(frozen=True)
class Hall:
    """The `sellable` ones among the `free` seats of a plan."""

    plan: Plan
    free: Set[int]
    sellable: Set[int]
    score: Score

    @cached_property
    def longest(self) -> int:
        """How many can sit side by side at most."""
        stretches = (len(run) for row in self.plan.rows for block in row for run in runs(block, self.sellable))
        return max(stretches, default=0)

    @cached_property
    def known(self) -> dict[int, list[list[Part]]]:
        return {}

    def parts(self, size: int) -> list[list[Part]]:
        """All parts of a size, by row; remembered."""
        if size not in self.known:
            rows = self.plan.rows
            self.known[size] = [[self.part(seats) for seats in in_row(row, self.sellable, size)] for row in rows]
        return self.known[size]

    def part(self, seats: Place) -> Part:
        lonely = ALONE if len(seats) == 1 else 0.0
        numbers = frozenset(seat.seat_no for seat in seats)
        return Part(seats, numbers, self.score(seats) + lonely, (seats[0].x + seats[-1].x) / 2, seats[0].y)


def in_two(hall: Hall, count: int) -> Iterator[Place]:
    """In one row on both sides of an aisle or of somebody else, or in two adjacent rows."""
    found: list[tuple[float, Place]] = []
    possible = range(max(1, count - hall.longest), min(count, hall.longest + 1))
    for size in sorted(possible, key=lambda size: abs(2 * size - count))[:SPLITS]:
        first, second = hall.parts(size), hall.parts(count - size)
        for ones, others in [*zip(first, second, strict=True), *zip(first, second[1:], strict=False)]:
            found += nearest_pairs(ones, others, size / count)
    yield from (place for _, place in sorted(found, key=lambda pair: pair[0]))


def nearest_pairs(ones: list[Part], others: list[Part], share: float) -> Iterator[tuple[float, Place]]:
    """The best partner of each of the best few; `share` is how much of the group sits in the first part."""
    if not others:
        return
    for one in nsmallest(NEXT_PARTS, ones, key=lambda part: part.score):

        def rank(other: Part, one: Part = one) -> float:
            return share * one.score + (1 - share) * other.score + other.away_from(one)

        apart = [other for other in others if one.numbers.isdisjoint(other.numbers)]
        if apart:
            other = min(apart, key=rank)
            yield rank(other), one.seats + other.seats


def in_few(hall: Hall, count: int) -> Iterator[Place]:
    """In as few parts as possible, near the first one: one way for each of the best first parts."""
    first = next_parts(hall, set(), count)
    for anchor in nsmallest(ANCHORS, first, key=lambda part: part.score):
        place = completed(hall, anchor, count)
        if place is not None:
            yield place


def completed(hall: Hall, anchor: Part, count: int) -> Place | None:
    """The first part with the nearest others; None if there are too few seats."""
    place, chosen = anchor.seats, set(anchor.numbers)
    while len(place) < count:
        left = next_parts(hall, chosen, count - len(place))
        if not left:
            return None
        near = nsmallest(NEXT_PARTS, left, key=lambda part: part.score / count + part.away_from(anchor))
        best = min(near, key=lambda part: leaves_single(hall.plan, hall.free, chosen | part.numbers))
        place, chosen = place + best.seats, chosen | best.numbers
    return place


def next_parts(hall: Hall, chosen: Set[int], missing: int) -> list[Part]:
    """The largest parts that are still to have; one less if somebody would be left over alone."""
    for size in range(min(missing, hall.longest), 0, -1):
        left = [part for row in hall.parts(size) for part in row if part.numbers.isdisjoint(chosen)]
        if left and missing - size == 1 and size > PAIR:
            continue
        if left:
            return left
    return []
