"""Selling what has been paid for; where the money came too late, the rescue."""

import structlog
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.reservations import seats, slots
from services.reservations.choice import equivalents, numbers
from services.reservations.commands.releases import claims_of
from services.reservations.held import seats_of
from services.reservations.models import Hold, HoldStatus, SeatStatus, Showtime
from services.reservations.offers import read_plan
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
        raise NotYet(f"hold {event.booking_id}")
    if hold.status not in (HoldStatus.sold, HoldStatus.lost):
        await sell_or_rescue(session, hold)
    publish(session, outcome(hold))


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
