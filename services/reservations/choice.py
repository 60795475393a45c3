"""Which seats: the best ones for a group, others as near as possible, equivalent ones for a rescue."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from itertools import pairwise
from math import hypot
from statistics import fmean

from services.reservations.layouts import ACCESSIBLE, COMPANION, Block, Plan, places
from services.reservations.offers import Money, Offer
from services.reservations.singles import is_refused, leaves_single
from services.shared.events import HeldSeat, LayoutSeat

ALTERNATIVES = 3
# More than these nobody needs: others may take some of them at the same moment.
FEW = 12
# Of each row only the few best places of a size are combined with its neighbour's.
BEST_OF_ROW = 5
# What it is worth, in seat widths, not to sit alone in a row, and to keep to the category that was asked for.
ALONE = 6.0
OTHER_CATEGORY = 4.0
RESERVED = (ACCESSIBLE, COMPANION)

Place = tuple[LayoutSeat, ...]
Score = Callable[[Place], float]


@dataclass(frozen=True)
class ChosenSeats:
    """Pairs of a seat's label and a ticket type."""

    seats: list[tuple[str, str]]

    @property
    def count(self) -> int:
        return len(self.seats)


@dataclass(frozen=True)
class BestAvailable:
    """`accessible`: with at least one accessible seat, which nobody gets who does not ask."""

    count: int
    ticket_type: str
    category: str | None = None
    accessible: bool = False

    def suits(self, seat: LayoutSeat) -> bool:
        if seat.category in RESERVED and not self.accessible and seat.category != self.category:
            return False
        return self.category in (None, seat.category) or (self.accessible and seat.category in RESERVED)

    def suits_all(self, place: Place) -> bool:
        """A companion's seat is only for those who come with somebody in an accessible one."""
        categories = {seat.category for seat in place}
        return ACCESSIBLE in categories or not (self.accessible or COMPANION in categories)


@dataclass(frozen=True)
class Alternative:
    seats: list[str]
    total: Money


def numbers(seats: Iterable[LayoutSeat | HeldSeat]) -> set[int]:
    return {seat.seat_no for seat in seats}


def best_places(offer: Offer, taken: Set[int], wish: BestAvailable) -> list[Place]:
    """The places for a group, best first: together in a row, else over two adjacent ones; singles avoided."""
    free = numbers(offer.plan.seats) - taken
    sellable = {
        seat.seat_no
        for seat in offer.plan.seats
        if seat.seat_no in free and wish.suits(seat) and offer.price(seat.category, wish.ticket_type) is not None
    }
    return ranked(offer, free, sellable, wish.count, distance_from(offer.plan.sweet_spot), wish.suits_all)


def ranked(
    offer: Offer, free: Set[int], sellable: Set[int], count: int, score: Score, suits: Callable[[Place], bool]
) -> list[Place]:
    """The best few places among the `sellable` seats that the single-seat rule allows."""

    def best(candidates: Iterator[Place]) -> list[Place]:
        fitting = sorted((place for place in candidates if suits(place)), key=score)
        return few(offer, free, fitting)

    return best(together(offer.plan, sellable, count)) or best(split(offer.plan, sellable, count, score))


def few(offer: Offer, free: Set[int], fitting: Iterable[Place]) -> list[Place]:
    """The first few of them; those that leave a single seat stand behind the others."""
    good: list[Place] = []
    poor: list[Place] = []
    for place in fitting:
        chosen = numbers(place)
        if not leaves_single(offer.plan, free, chosen):
            good.append(place)
        elif not (offer.single_seat_rule and is_refused(offer.plan, free, chosen)):
            poor.append(place)
        if len(good) == FEW:
            break
    return good + poor


def together(plan: Plan, free: Set[int], count: int) -> Iterator[Block]:
    for row in plan.rows:
        for block in row:
            yield from places(block, free, count)


def split(plan: Plan, free: Set[int], count: int, score: Score) -> Iterator[Place]:
    """Two groups, each side by side, in adjacent rows."""
    for front, back in pairwise(plan.rows):
        for first in range(1, count):
            for place in best_of_row(front, free, first, score):
                for other in best_of_row(back, free, count - first, score):
                    yield place + other


def best_of_row(row: Sequence[Block], free: Set[int], count: int, score: Score) -> list[Block]:
    found = [place for block in row for place in places(block, free, count)]
    return sorted(found, key=score)[:BEST_OF_ROW]


def distance_from(spot: tuple[float, float]) -> Score:
    """How far people sit from a spot on average; nobody should be alone in a row."""

    def score(place: Place) -> float:
        rows = Counter(seat.row for seat in place)
        lonely = sum(1 for people in rows.values() if people == 1) if len(rows) > 1 else 0
        return fmean(hypot(seat.x - spot[0], seat.y - spot[1]) for seat in place) + ALONE * lonely

    return score


def alternatives(offer: Offer, taken: Set[int], wanted: Sequence[HeldSeat]) -> list[Alternative]:
    """Up to three other places for as many people, near the seats they wanted, with the same ticket types."""
    plan = offer.plan
    free = numbers(plan.seats) - taken
    categories = Counter(seat.category for seat in wanted)
    sellable = {seat.seat_no for seat in plan.seats if seat.seat_no in free and may_replace(seat, categories)}
    chosen = [plan.by_no[seat.seat_no] for seat in wanted]
    near = distance_from((fmean(seat.x for seat in chosen), fmean(seat.y for seat in chosen)))

    def score(place: Place) -> float:
        missing = categories - Counter(seat.category for seat in place)
        return near(place) + OTHER_CATEGORY * missing.total()

    def suits(place: Place) -> bool:
        is_other = numbers(place) != numbers(wanted)
        return is_other and total(offer, place, wanted) is not None and companions_accompany(place)

    found = ranked(offer, free, sellable, len(wanted), score, suits)
    return [alternative(offer, place, wanted) for place in found[:ALTERNATIVES]]


def other_places(offer: Offer, taken: Set[int], wish: BestAvailable) -> list[Alternative]:
    """Up to three places for as many people, of whatever category."""
    anywhere = BestAvailable(wish.count, wish.ticket_type, accessible=wish.accessible)
    found = best_places(offer, taken, anywhere)[:ALTERNATIVES]
    frozen = [[offer.freeze(seat, wish.ticket_type) for seat in place] for place in found]
    return [
        Alternative([seat.label for seat in seats], Money(sum(seat.price for seat in seats), offer.currency))
        for seats in frozen
    ]


def may_replace(seat: LayoutSeat, categories: Counter[str]) -> bool:
    return seat.category not in RESERVED or seat.category in categories


def companions_accompany(seats: Iterable[LayoutSeat | HeldSeat]) -> bool:
    """Whether companions' seats come with an accessible one."""
    categories = {seat.category for seat in seats}
    return COMPANION not in categories or ACCESSIBLE in categories


def total(offer: Offer, place: Place, wanted: Sequence[HeldSeat]) -> int | None:
    """In minor units; None if one of the tickets is not offered there."""
    prices = [offer.price(seat.category, old.ticket_type) for seat, old in zip(place, wanted, strict=True)]
    known = [price for price in prices if price is not None]
    return sum(known) if len(known) == len(prices) else None


def alternative(offer: Offer, place: Place, wanted: Sequence[HeldSeat]) -> Alternative:
    amount = total(offer, place, wanted) or 0
    return Alternative([seat.label for seat in place], Money(amount, offer.currency))


def equivalents(plan: Plan, taken: Set[int], lost: Sequence[HeldSeat]) -> list[dict[str, LayoutSeat]]:
    """For a rescue: places together, of the same categories, nearest first, as maps from the old label to the seat."""
    free = numbers(plan.seats) - taken
    categories = Counter(seat.category for seat in lost)
    old = [plan.by_no[seat.seat_no] for seat in lost]
    near = distance_from((fmean(seat.x for seat in old), fmean(seat.y for seat in old)))
    fitting = [
        place
        for place in together(plan, free, len(lost))
        if Counter(seat.category for seat in place) == categories
    ]  # fmt: skip
    fitting.sort(key=lambda place: (leaves_single(plan, free, numbers(place)), near(place)))
    return [matched(lost, place) for place in fitting]


def matched(lost: Sequence[HeldSeat], place: Place) -> dict[str, LayoutSeat]:
    """Each old seat with a new one of its category, from left to right."""
    order = sorted(lost, key=lambda seat: (seat.category, seat.row, seat.number))
    return {
        old.label: new for old, new in zip(order, sorted(place, key=lambda seat: (seat.category, seat.x)), strict=True)
    }
