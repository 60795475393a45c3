"""Holding seats: one statement where all goes well; what it was refused for is found out afterwards."""

import random
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select, update

from services.reservations import seats
from services.reservations.choice import (
    BestAvailable,
    ChosenSeats,
    alternatives,
    best_places,
    companions_accompany,
    numbers,
    other_places,
)
from services.reservations.errors import (
    CompanionNeedsAccessible,
    LeavesSingleSeat,
    SalesClosed,
    SeatsTaken,
    ShowtimeNotFound,
    TicketTypeNotOffered,
    TooManyHolds,
    UnknownSeats,
)
from services.reservations.held import Held
from services.reservations.models import Hold
from services.reservations.offers import Offer
from services.reservations.office import Office
from services.reservations.seats import Situation, Wish
from services.reservations.singles import edges, forbids
from services.shared.auth import Principal, Role
from services.shared.errors import DomainError, RateLimited, ValidationFailed
from services.shared.events import HeldSeat
from services.shared.idempotency import KEPT, Attempt, IdempotencyKeyReused
from services.shared.messaging.outbox import SIGNAL as OUTBOX

MOST_SEATS = 10
SLOTS = 2
# Each try loses only against a hold of the same moment, or against a change of the showtime.
TRIES = 8
# With each try, "best available" takes one of so many times more places, so that a crowd of such buyers spreads.
SPREAD = 4
# These are raised after a look at the database that would have seen the key: nobody needs to ask for it again.
JUDGED = (SalesClosed, SeatsTaken, TooManyHolds, RateLimited, LeavesSingleSeat)


@dataclass(frozen=True)
class Request:
    """Who asks for which seats. `attempt` is the request's idempotency key, and what it is bound to."""

    user: Principal
    showtime_id: UUID
    choice: ChosenSeats | BestAvailable
    attempt: Attempt | None = None

    @property
    def is_staff(self) -> bool:
        return self.user.may(Role.staff)

    @property
    def key(self) -> str | None:
        return self.attempt.key if self.attempt else None


async def hold_seats(office: Office, request: Request) -> Held:
    """Hold all the seats at the prices of this moment, or none.

    The idempotency key stands in the hold's own row; it means the same as elsewhere (services/shared/idempotency.py).
    Raises ShowtimeNotFound, SalesClosed, SeatsTaken, TooManyHolds, RateLimited, LeavesSingleSeat, UnknownSeats,
    TicketTypeNotOffered, CompanionNeedsAccessible, ValidationFailed, IdempotencyKeyReused.
    """
    try:
        return await try_to_hold(office, request)
    except JUDGED:
        raise
    except DomainError:
        first = await first_answer(office, request.attempt) if request.attempt else None
        if first is None:
            raise
        return first


async def try_to_hold(office: Office, request: Request) -> Held:
    refuse_crowds(request)
    offer = await office.offers.current(request.showtime_id)
    situation = None
    if isinstance(request.choice, BestAvailable):
        offer, situation = await look(office, request, offer)
    for tried in range(TRIES):
        chosen = choose(offer, request.choice, situation, tried)
        wish = wish_for(office, request, offer, chosen, judged=situation is not None)
        expires_at = await seats.hold(office.statements, wish)
        if expires_at is not None:
            office.sessions.signals.fire([OUTBOX])
            return Held.just_now(wish, expires_at)
        offer, situation = await look(office, request, offer)
        judge(offer, request, situation, chosen)
    raise SeatsTaken("These seats change hands too fast just now.", taken=[], alternatives=[], retryable=True)


def refuse_crowds(request: Request) -> None:
    """Raises ValidationFailed."""
    if request.choice.count > MOST_SEATS and not request.is_staff:
        fault = {"pointer": "/body", "message": f"Up to {MOST_SEATS} seats can be held at once."}
        raise ValidationFailed(errors=[fault])


async def look(office: Office, request: Request, offer: Offer) -> tuple[Offer, Situation]:
    """How things stand, and the offer as it is now. Raises ShowtimeNotFound, SalesClosed, IdempotencyKeyReused."""
    situation = await seats.look(
        office.statements,
        request.showtime_id,
        request.user.id,
        request.key,
        cut_off=office.reception.cut_off,
    )
    if situation is None:
        raise ShowtimeNotFound
    if situation.key_used and not await forget_old_key(office, request):
        raise IdempotencyKeyReused
    if not situation.sales_open:
        raise SalesClosed
    if situation.version != offer.version:
        offer = await office.offers.newest(request.showtime_id)
    return offer, situation


def judge(offer: Offer, request: Request, situation: Situation, chosen: list[HeldSeat]) -> None:
    """Raises SeatsTaken first, then TooManyHolds, RateLimited, LeavesSingleSeat. Returns if nothing is in the way."""
    judge_seats(offer, request, situation, chosen)
    if request.is_staff:
        return
    if situation.slots >= SLOTS:
        raise RateLimited(situation.cooling) if situation.cooling else TooManyHolds
    free = numbers(offer.plan.seats) - situation.taken
    by_rule = offer.single_seat_rule and isinstance(request.choice, ChosenSeats)
    if by_rule and forbids(offer.plan, free, numbers(chosen)):
        raise LeavesSingleSeat(alternatives=alternatives(offer, situation.taken, chosen))


def judge_seats(offer: Offer, request: Request, situation: Situation, chosen: list[HeldSeat]) -> None:
    """For the best available, others are tried before this is called. Raises SeatsTaken."""
    taken = [seat.label for seat in chosen if seat.seat_no in situation.taken]
    if taken and isinstance(request.choice, ChosenSeats):
        raise SeatsTaken(taken=taken, alternatives=alternatives(offer, situation.taken, chosen))


def choose(
    offer: Offer, choice: ChosenSeats | BestAvailable, situation: Situation | None, tried: int
) -> list[HeldSeat]:
    """The seats at their prices. Raises what is wrong with the choice, or SeatsTaken if there is no place."""
    if isinstance(choice, ChosenSeats):
        return freeze_chosen(offer, choice)
    assert situation is not None
    refuse_unsold_tickets(offer, choice)
    places = best_places(offer, situation.taken, choice, apart=tried > 0)
    if not places:
        others = other_places(offer, situation.taken, choice)
        raise SeatsTaken("There are not so many such seats together.", taken=[], alternatives=others)
    place = random.choice(places[: SPREAD**tried])  # noqa: S311
    return [offer.freeze(seat, choice.ticket_type) for seat in place]


def freeze_chosen(offer: Offer, choice: ChosenSeats) -> list[HeldSeat]:
    """Raises UnknownSeats, TicketTypeNotOffered, CompanionNeedsAccessible."""
    by_label = offer.plan.by_label
    unknown = [label for label, _ in choice.seats if label not in by_label]
    if unknown:
        raise UnknownSeats(labels=unknown)
    chosen = [offer.freeze(by_label[label], ticket_type) for label, ticket_type in choice.seats]
    if not companions_accompany(by_label[label] for label, _ in choice.seats):
        raise CompanionNeedsAccessible
    return chosen


def refuse_unsold_tickets(offer: Offer, choice: BestAvailable) -> None:
    """Raises TicketTypeNotOffered."""
    categories = {seat.category for seat in offer.plan.seats if choice.suits(seat)}
    if all(offer.price(category, choice.ticket_type) is None for category in categories):
        raise TicketTypeNotOffered(category=choice.category, ticket_type=choice.ticket_type)


def wish_for(office: Office, request: Request, offer: Offer, chosen: list[HeldSeat], *, judged: bool) -> Wish:
    """`judged`: the single-seat rule has been looked at and allows this choice."""
    by_rule = offer.single_seat_rule and not judged and not request.is_staff
    return Wish(
        showtime_id=offer.showtime_id,
        version=offer.version,
        user_id=request.user.id,
        seats=chosen,
        total=sum(seat.price for seat in chosen),
        hold=office.settings.hold_minutes * 60,
        grace=office.settings.grace_seconds,
        is_staff=request.is_staff,
        cut_off=office.reception.cut_off,
        edges=edges(offer.plan, numbers(chosen)) if by_rule else (),
        key=request.key,
        digest=request.attempt.digest if request.attempt else None,
    )


async def first_answer(office: Office, attempt: Attempt) -> Held | None:
    """What the first request with this key was answered. Raises IdempotencyKeyReused."""
    mine = Hold.user_id == attempt.user_id, Hold.idempotency_key == attempt.key
    async with office.sessions.begin() as session:
        hold = await session.scalar(select(Hold).where(*mine, Hold.created_at > func.now() - KEPT))
    if hold is None:
        return None
    if hold.body_digest != attempt.digest:
        raise IdempotencyKeyReused
    return Held.again(hold)


async def forget_old_key(office: Office, request: Request) -> bool:
    """Whether the key was only used so long ago that it may be used again."""
    mine = Hold.user_id == request.user.id, Hold.idempotency_key == request.key
    forget = update(Hold).where(*mine, Hold.created_at <= func.now() - KEPT).values(idempotency_key=None)
    async with office.sessions.begin() as session:
        return await session.scalar(forget.returning(Hold.booking_id)) is not None
