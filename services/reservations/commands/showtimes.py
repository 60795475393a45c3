"""The copies of halls and showtimes, and the seats a manager keeps back."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.reservations import seats
from services.reservations.errors import SeatsTaken, ShowtimeNotFound, UnknownSeats
from services.reservations.layouts import Plan
from services.reservations.models import Claim, Layout, SeatStatus, Showtime, ShowtimeStatus
from services.reservations.offers import read_plan
from services.shared.db import fire_after_commit, settings_of
from services.shared.events import HallLayoutPublished, ShowtimeCancelled, ShowtimeFacts
from services.shared.messaging import NotYet

FACTS = {"film", "theater", "hall", "starts_at", "format", "language"}


async def keep_layout(session: AsyncSession, event: HallLayoutPublished) -> None:
    seats_in_hall = [seat.model_dump(mode="json") for seat in event.seats]
    layout = {"hall_id": event.hall.id, "version": event.hall.layout_version, "seats": seats_in_hall}
    await session.execute(insert(Layout).values(**layout).on_conflict_do_nothing())


async def keep_showtime(session: AsyncSession, event: ShowtimeFacts) -> None:
    """Older than what is known: ignored. Holds wait for the new version, see offers.Offers."""
    values = {
        "version": event.version,
        "hall_id": event.hall.id,
        "layout_version": event.hall.layout_version,
        "capacity": event.capacity,
        "ends_at": event.ends_at,
        "sales_close_at": event.sales_close_at,
        "single_seat_rule": event.single_seat_rule,
        "currency": event.prices[0].currency if event.prices else settings_of(session).currency,
        "prices": [price.model_dump(mode="json") for price in event.prices],
        "facts": event.model_dump(mode="json", include=FACTS),
    }
    new = insert(Showtime).values(id=event.showtime_id, **values)
    newer = new.on_conflict_do_update(index_elements=[Showtime.id], set_=values, where=Showtime.version < event.version)
    await session.execute(newer)
    fire_after_commit(session, event.showtime_id)


async def cancel_showtime(session: AsyncSession, event: ShowtimeCancelled) -> None:
    """Sales stop for good, whatever version comes later; ticketing gives the money back. Raises NotYet."""
    showtime = await session.get(Showtime, event.showtime_id, with_for_update=True)
    if showtime is None:
        raise NotYet(f"showtime {event.showtime_id}")
    showtime.status = ShowtimeStatus.cancelled


async def block(session: AsyncSession, showtime_id: UUID, labels: Sequence[str]) -> list[str]:
    """Keep free seats back; returns all that are. Raises ShowtimeNotFound, UnknownSeats, SeatsTaken."""
    plan = await plan_of(session, showtime_id)
    wanted = seat_numbers(plan, labels)
    states = await states_of(session, showtime_id, wanted)
    missing = sorted(no for no in wanted if states.get(no) != SeatStatus.blocked)
    if missing and not await seats.take(session, showtime_id, missing, SeatStatus.blocked):
        states = await states_of(session, showtime_id, missing)
        taken = [no for no in missing if states.get(no, SeatStatus.free) != SeatStatus.free]
        raise SeatsTaken(taken=[plan.by_no[no].label for no in taken], alternatives=[])
    return await blocked(session, showtime_id, plan)


async def unblock(session: AsyncSession, showtime_id: UUID, labels: Sequence[str]) -> list[str]:
    """Put seats back on sale; returns those that are still kept back. Raises ShowtimeNotFound, UnknownSeats."""
    plan = await plan_of(session, showtime_id)
    await seats.unblock(session, showtime_id, seat_numbers(plan, labels))
    return await blocked(session, showtime_id, plan)


async def blocked(session: AsyncSession, showtime_id: UUID, plan: Plan) -> list[str]:
    states = await states_of(session, showtime_id, list(plan.by_no))
    return [plan.by_no[no].label for no, status in sorted(states.items()) if status == SeatStatus.blocked]


async def plan_of(session: AsyncSession, showtime_id: UUID) -> Plan:
    showtime = await session.get(Showtime, showtime_id)
    plan = await read_plan(session, showtime.hall_id, showtime.layout_version) if showtime else None
    if plan is None:
        raise ShowtimeNotFound
    return plan


def seat_numbers(plan: Plan, labels: Sequence[str]) -> list[int]:
    unknown = [label for label in labels if label not in plan.by_label]
    if unknown:
        raise UnknownSeats(labels=unknown)
    return [plan.by_label[label].seat_no for label in labels]


async def states_of(session: AsyncSession, showtime_id: UUID, wanted: Sequence[int]) -> dict[int, int]:
    """The status of those seats that have ever been claimed; a lapsed hold counts as free."""
    lapsed = (Claim.status == SeatStatus.held) & (Claim.held_until <= func.now())
    rows = await session.execute(
        select(Claim.seat_no, Claim.status).where(Claim.showtime_id == showtime_id, Claim.seat_no.in_(wanted), ~lapsed)
    )
    return {seat_no: status for seat_no, status in rows}  # noqa: C416 - rows are no pairs to mypy
