"""Giving seats back: by their holder, by the clock, because nobody paid."""

from collections.abc import Iterable, Sequence
from uuid import UUID

import structlog
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.reservations import seats, slots
from services.reservations.errors import AlreadySold, HoldNotFound, PaymentInProgress
from services.reservations.models import Hold, HoldStatus, ReleaseReason, SeatStatus
from services.reservations.seats import Claimed
from services.shared.auth import Principal
from services.shared.events import PaymentAbandoned, SeatsReleased, TicketVoided
from services.shared.messaging import publish

EXPIRED_AT_ONCE = 500

log = structlog.get_logger()


async def release(session: AsyncSession, user: Principal, booking_id: UUID) -> None:
    """Free the seats of a hold at once; again is fine.

    Raises HoldNotFound, PaymentInProgress, AlreadySold.
    """
    mine = select(Hold).where(Hold.booking_id == booking_id, Hold.user_id == user.id)
    hold = await session.scalar(mine.with_for_update())
    if hold is None:
        raise HoldNotFound
    if hold.status is HoldStatus.paying:
        raise PaymentInProgress
    if hold.status is HoldStatus.sold:
        raise AlreadySold
    if hold.status is HoldStatus.held:
        await let_go(session, [hold], ReleaseReason.customer)


async def release_expired(session: AsyncSession, *, cut_off: bool) -> int:
    """Free the seats of holds whose seats' clock has run out; returns how many holds.

    While this process is cut off from the bus, those whose payment has started stay: it may have succeeded.
    """
    over = [HoldStatus.held] if cut_off else [HoldStatus.held, HoldStatus.paying]
    expired = select(Hold).where(Hold.status.in_(over), Hold.held_until <= func.now()).order_by(Hold.held_until)
    locked = expired.limit(EXPIRED_AT_ONCE).with_for_update(skip_locked=True)
    holds = (await session.scalars(locked)).all()
    if holds:
        await let_go(session, holds, ReleaseReason.grace)
    return len(holds)


async def abandon(session: AsyncSession, event: PaymentAbandoned) -> None:
    """Free what is still held; what has been sold stays so."""
    hold = await session.scalar(select(Hold).where(Hold.booking_id == event.booking_id).with_for_update())
    if hold is None or not hold.is_live:
        log.info("nothing to let go", booking_id=str(event.booking_id))
        return
    await let_go(session, [hold], ReleaseReason.payment)


async def void(session: AsyncSession, event: TicketVoided) -> None:
    """Free that sold seat, unless it has been somebody else's since."""
    await seats.free(session, [Claimed(event.showtime_id, event.booking_id, event.seat_no)], SeatStatus.sold)


async def let_go(session: AsyncSession, holds: Sequence[Hold], reason: ReleaseReason) -> None:
    """The holds' rows are locked. Whoever learns it from ticketing need not tell ticketing."""
    claims = [claim for hold in holds for claim in claims_of(hold)]
    await seats.free(session, claims, SeatStatus.held, SeatStatus.paying)
    await slots.empty(session, holds)
    for hold in holds:
        hold.status = HoldStatus.released
        hold.released_at = func.now()
        hold.release_reason = reason
        if reason is not ReleaseReason.payment:
            fact = SeatsReleased(booking_id=hold.booking_id, showtime_id=hold.showtime_id, reason=reason.value)
            publish(session, fact)
    await session.flush()
    await slots.cool_down(session, holds)


def claims_of(hold: Hold) -> Iterable[Claimed]:
    return [Claimed(hold.showtime_id, hold.booking_id, seat["seat_no"]) for seat in hold.seats]
