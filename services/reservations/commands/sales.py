"""Selling what has been paid for; where the money came too late, the rescue."""

import structlog
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.reservations import seats, slots
from services.reservations.choice import equivalents, numbers
from services.reservations.commands.releases import claims_of
from services.reservations.held import seats_of
from services.reservations.models import Hold, HoldStatus, SeatStatus, Showtime, Ticket
from services.reservations.offers import read_plan
from services.reservations.seats import Claimed
from services.shared.events import HeldSeat, LayoutSeat, PaymentStarted, PaymentSucceeded, SeatsLost, SeatsSold
from services.shared.messaging import NotYet, publish

log = structlog.get_logger()


async def start_payment(session: AsyncSession, event: PaymentStarted) -> None:
    """From now on only ticketing lets the seats go before the grace ends."""
    hold = await session.scalar(select(Hold).where(Hold.booking_id == event.booking_id).with_for_update())
    if hold is None or hold.status is not HoldStatus.held:
        log.info("payment started of a hold that is not held", booking_id=str(event.booking_id))
        return
    await seats.start_payment(session, claims_of(hold))
    hold.status = HoldStatus.paying


async def sell(session: AsyncSession, event: PaymentSucceeded) -> None:
    """Sell the seats, or equivalent ones together, and say so; or say that they are lost.

    Asked again, it says again what it did. Raises NotYet.
    """
    hold = await session.scalar(select(Hold).where(Hold.booking_id == event.booking_id).with_for_update())
    if hold is None:
        hold = await recovered(session, event)
    if hold.status not in (HoldStatus.sold, HoldStatus.lost):
        await sell_or_rescue(session, hold)
        await free_voided(session, hold)
    publish(session, outcome(hold))


async def recovered(session: AsyncSession, event: PaymentSucceeded) -> Hold:
    """The hold of a payment that is sent again, since this service was restored to a time before it. Raises NotYet."""
    if await session.get(Showtime, event.showtime_id) is None:
        raise NotYet(f"showtime {event.showtime_id}")
    hold = Hold(
        booking_id=event.booking_id,
        user_id=event.user_id,
        showtime_id=event.showtime_id,
        slot=0,
        wanted=len(event.seats),
        claimed=len(event.seats),
        seats=[seat.model_dump(mode="json") for seat in event.seats],
        total=sum(seat.price for seat in event.seats),
        currency=event.currency,
        status=HoldStatus.held,
        expires_at=event.occurred_at,
        held_until=event.occurred_at,
        replaced={},
    )
    session.add(hold)
    log.warning("hold recovered from its payment", booking_id=str(event.booking_id))
    return hold


async def free_voided(session: AsyncSession, hold: Hold) -> None:
    """When events are sent again, the end of a ticket may come before the payment of its seat."""
    of_booking = Ticket.showtime_id == hold.showtime_id, Ticket.booking_id == hold.booking_id
    ended = await session.scalars(select(Ticket.seat_no).where(*of_booking, Ticket.voided))
    claims = [Claimed(hold.showtime_id, hold.booking_id, seat_no) for seat_no in ended]
    if claims:
        await seats.free(session, claims, SeatStatus.sold)


async def sell_or_rescue(session: AsyncSession, hold: Hold) -> None:
    wanted = [seat["seat_no"] for seat in hold.seats]
    if await seats.sell(session, hold.showtime_id, wanted, hold.booking_id):
        hold.status = HoldStatus.sold
    else:
        hold.replaced = await replace(session, hold)
        hold.status = HoldStatus.sold if hold.replaced else HoldStatus.lost
        # Some of the old seats may still have been ours.
        await seats.free(session, claims_of(hold), SeatStatus.held, SeatStatus.paying)
        log.warning("late payment", booking_id=str(hold.booking_id), outcome=hold.status.value)
    hold.sold_at = func.now() if hold.status is HoldStatus.sold else None
    await slots.empty(session, [hold])


async def replace(session: AsyncSession, hold: Hold) -> dict[str, dict[str, object]]:
    """Sell the nearest equivalent seats together: the new ones by old label, at the old prices; empty if none are."""
    lost = seats_of(hold)
    showtime = await session.get_one(Showtime, hold.showtime_id)
    plan = await read_plan(session, showtime.hall_id, showtime.layout_version)
    if plan is None:
        raise NotYet(f"layout {showtime.layout_version} of hall {showtime.hall_id}")
    taken = await seats.taken(session, hold.showtime_id, hold.booking_id)
    for place in equivalents(plan, taken, lost):
        found = sorted(numbers(place.values()))
        if await seats.sell(session, hold.showtime_id, found, hold.booking_id):
            return {old.label: moved(old, place[old.label]) for old in lost}
    return {}


def moved(old: HeldSeat, new: LayoutSeat) -> dict[str, object]:
    place = {"seat_no": new.seat_no, "label": new.label, "row": new.row, "number": new.number}
    return old.model_copy(update=place).model_dump(mode="json")


def outcome(hold: Hold) -> SeatsSold | SeatsLost:
    ids = {"booking_id": hold.booking_id, "showtime_id": hold.showtime_id}
    if hold.status is HoldStatus.lost:
        return SeatsLost(**ids, seats=[seat["label"] for seat in hold.seats])
    replaced = {old: new["label"] for old, new in hold.replaced.items()}
    return SeatsSold(**ids, seats=seats_of(hold), replaced=replaced)
