"""Seats that a manager keeps back from the sale of one showtime."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.reservations import kept_back
from services.reservations.errors import SeatsTaken, ShowtimeNotFound, UnknownSeats
from services.reservations.layouts import Plan
from services.reservations.models import Claim, SeatStatus, Showtime
from services.reservations.offers import read_plan


async def block(session: AsyncSession, showtime_id: UUID, labels: Sequence[str], reason: str = "") -> list[str]:
    """Keep free seats back, all or none; again is fine. Returns all that are kept back.

    Raises ShowtimeNotFound, UnknownSeats, SeatsTaken.
    """
    plan = await plan_of(session, showtime_id)
    wanted = seat_numbers(plan, labels)
    taken = wanted - await kept_back.block(session, showtime_id, wanted, reason)
    if taken:
        raise SeatsTaken(taken=[plan.by_no[seat_no].label for seat_no in sorted(taken)], alternatives=[])
    return await blocked(session, showtime_id, plan)


async def unblock(session: AsyncSession, showtime_id: UUID, labels: Sequence[str]) -> list[str]:
    """Put seats back on sale; returns those that are still kept back. Raises ShowtimeNotFound, UnknownSeats."""
    plan = await plan_of(session, showtime_id)
    await kept_back.unblock(session, showtime_id, seat_numbers(plan, labels))
    return await blocked(session, showtime_id, plan)


async def blocked(session: AsyncSession, showtime_id: UUID, plan: Plan) -> list[str]:
    kept = select(Claim.seat_no).where(Claim.showtime_id == showtime_id, Claim.status == SeatStatus.blocked)
    return [plan.by_no[seat_no].label for seat_no in await session.scalars(kept.order_by(Claim.seat_no))]


async def plan_of(session: AsyncSession, showtime_id: UUID) -> Plan:
    showtime = await session.get(Showtime, showtime_id)
    plan = await read_plan(session, showtime.hall_id, showtime.layout_version) if showtime else None
    if plan is None:
        raise ShowtimeNotFound
    return plan


def seat_numbers(plan: Plan, labels: Sequence[str]) -> set[int]:
    unknown = [label for label in labels if label not in plan.by_label]
    if unknown:
        raise UnknownSeats(labels=unknown)
    return {plan.by_label[label].seat_no for label in labels}
