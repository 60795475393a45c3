"""Which seats: the best ones for a group, others as near as possible, equivalent ones for a rescue."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from math import hypot
from statistics import fmean

from services.reservations.errors import Alternative
from services.reservations.groups import Hall, Place, comfort, in_few, in_two, together
from services.reservations.layouts import ACCESSIBLE, COMPANION, TOLERANCE, Plan
from services.reservations.money import Money
from services.reservations.offers import Offer
from services.reservations.singles import forbids, leaves_single
from services.shared.events import HeldSeat, LayoutSeat

ALTERNATIVES = 3
# More than these nobody needs, unless a crowd wants them at the same moment.
FEW = 12
MANY = 64
# What it is worth, in seat widths: to keep to the category that was asked for, and to leave an accessible seat to
# somebody else who needs it.
OTHER_CATEGORY = 4.0
SPARE_ACCESSIBLE = 8.0
# Part of a group that needs an accessible seat may sit elsewhere, but not all of it.
WITHOUT_ACCESSIBLE = 1000.0
# Companions with somebody in an accessible seat, and how many seat widths away they may sit.
COMPANIONS = 3
RESERVED = (ACCESSIBLE, COMPANION)


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
        has_accessible = any(seat.category == ACCESSIBLE for seat in place)
        return (has_accessible or not self.accessible) and companions_accompany(place)


def numbers(seats: Iterable[LayoutSeat | HeldSeat]) -> set[int]:
    return {seat.seat_no for seat in seats}


def best_places(offer: Offer, taken: Set[int], wish: BestAvailable, *, apart: bool = False) -> list[Place]:
    """The places for a group, best first: as `groups` has them, singles avoided. Always the same for the same seats.

    `apart`: more of them, no two of which share a seat, so that each can be somebody's.
    """
    free = numbers(offer.plan.seats) - taken
    sellable = {
        seat.seat_no
        for seat in offer.plan.seats
        if seat.seat_no in free and wish.suits(seat) and offer.price(seat.category, wish.ticket_type) is not None
    }
    good = comfort(offer.plan, offer.plan.sweet_spot)

    def score(place: Place) -> float:
        accessible = sum(1 for seat in place if seat.category == ACCESSIBLE)
        return good(place) + (SPARE_ACCESSIBLE * (accessible - 1) if accessible else WITHOUT_ACCESSIBLE)

    hall = Hall(offer.plan, free, sellable, score if wish.accessible else good)
    return ranked(offer, hall, wish.count, wish.suits_all, apart=apart)


def ranked(offer: Offer, hall: Hall, count: int, suits: Callable[[Place], bool], *, apart: bool = False) -> list[Place]:
    """The first few places that the single-seat rule allows, of the best way in which there are any."""
    for places in ways(hall, count, suits):
        found = few(offer, hall.free, places, apart=apart)
        if found:
            return found
    return []


def ways(hall: Hall, count: int, suits: Callable[[Place], bool]) -> Iterator[Iterator[Place]]:
    """The ways to seat a group, the best way first; in each the places, best first."""
    yield filter(suits, sorted(together(hall.plan, hall.sellable, count), key=hall.score))
    yield filter(suits, in_two(hall, count))
    yield filter(suits, in_few(hall, count))


def few(offer: Offer, free: Set[int], fitting: Iterable[Place], *, apart: bool = False) -> list[Place]:
    """The first few that the rule allows; those that leave a single seat stand behind the others."""
    good: list[Place] = []
    poor: list[Place] = []
    used: set[int] = set()
    for place in fitting:
        chosen = numbers(place)
        if not used.isdisjoint(chosen):
            continue
        if not leaves_single(offer.plan, free, chosen):
            good.append(place)
            used |= chosen if apart else set()
        elif not (offer.single_seat_rule and forbids(offer.plan, free, chosen)):
            poor.append(place)
        if len(good) == (MANY if apart else FEW):
            break
    return good + poor


def alternatives(offer: Offer, taken: Set[int], wanted: Sequence[HeldSeat]) -> list[Alternative]:
    """Up to three other places for as many people, near the seats they wanted, with the same ticket types."""
    plan = offer.plan
    free = numbers(plan.seats) - taken
    categories = Counter(seat.category for seat in wanted)
    sellable = {seat.seat_no for seat in plan.seats if seat.seat_no in free and may_replace(seat, categories)}
    chosen = [plan.by_no[seat.seat_no] for seat in wanted]
    near = comfort(plan, middle(chosen))

    def score(place: Place) -> float:
        missing = categories - Counter(seat.category for seat in place)
        return near(place) + OTHER_CATEGORY * missing.total()

    def suits(place: Place) -> bool:
        found = Counter(seat.category for seat in place)
        is_other = numbers(place) != numbers(wanted) and found[ACCESSIBLE] >= categories[ACCESSIBLE]
        return is_other and total(offer, place, wanted) is not None and companions_accompany(place)

    # Most who are refused are refused in a hall of one category, and at the same moment: spare them the counting.
    is_varied = len({plan.by_no[seat_no].category for seat_no in sellable} | categories.keys()) > 1
    hall = Hall(plan, free, sellable, score if is_varied else near)
    found = ranked(offer, hall, len(wanted), suits)
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


def middle(seats: Sequence[LayoutSeat]) -> tuple[float, float]:
    return fmean(seat.x for seat in seats), fmean(seat.y for seat in seats)


def may_replace(seat: LayoutSeat, categories: Counter[str]) -> bool:
    return seat.category not in RESERVED or seat.category in categories


def companions_accompany(seats: Iterable[LayoutSeat]) -> bool:
    """Whether companions' seats come with accessible ones: each near one of them, up to three for each.

    Three is what the ADA wants to be offered with a wheelchair space (28 CFR 36.302(f)(4)), so no hall has more.
    """
    chosen = list(seats)
    companions = [seat for seat in chosen if seat.category == COMPANION]
    accessible = [seat for seat in chosen if seat.category == ACCESSIBLE]
    near = all(any(is_near(one, other) for other in accessible) for one in companions)
    return near and len(companions) <= COMPANIONS * len(accessible)


def is_near(one: LayoutSeat, other: LayoutSeat) -> bool:
    return hypot(one.x - other.x, one.y - other.y) <= COMPANIONS + TOLERANCE


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
    near = comfort(plan, middle(old))
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
