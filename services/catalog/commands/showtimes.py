"""Scheduling, changing, cancelling."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from services.catalog import queries
from services.catalog.commands.announce import facts
from services.catalog.commands.timetable import (
    Stage,
    add_showtimes,
    hall_kept_free,
    lock_hall,
    lock_stage,
    row,
    till_currency,
    times,
)
from services.catalog.errors import Conflict, HallNotFound, MovieNotFound, NotScheduled
from services.catalog.models import Hall, Movie, Showtime
from services.catalog.plans import Offer, Plan, Slot, refuse_crowding, refuse_time, resolve
from services.shared.events import ShowtimeCancelled, ShowtimeChanged, ShowtimeScheduled
from services.shared.messaging import publish


class Batch(NamedTuple):
    """What a pattern makes, or what stands in its way."""

    planned: Sequence[Slot]
    conflicts: Sequence[Conflict]
    showtimes: Sequence[Showtime]


async def schedule_showtime(session: AsyncSession, plan: Plan) -> Showtime:
    """Raises MovieNotFound, HallNotFound, ValidationFailed, PricesIncomplete, HallBusy."""
    refuse_time(plan.starts_at)
    stage = await lock_stage(session, plan)
    [showtime] = await add_showtimes(session, plan, stage, [Slot.of(plan.starts_at, stage.movie.runtime_minutes)])
    return showtime


async def schedule_batch(
    session: AsyncSession, offer: Offer, days: Sequence[date], clock: Sequence[time], *, dry_run: bool
) -> Batch:
    """Each time of each day, local to the theater: all or none. A dry run only tells what is in the way.

    Raises what schedule_showtime raises.
    """
    stage = await lock_stage(session, offer)
    zone = ZoneInfo(stage.hall.theater.timezone)
    starts = sorted({datetime.combine(day, at, zone).astimezone(UTC) for day in days for at in clock})
    for start in starts:
        refuse_time(start, "/body/days")
    slots = [Slot.of(start, stage.movie.runtime_minutes) for start in starts]
    refuse_crowding(slots)
    if dry_run:
        row(session, offer, stage, slots[0])
        return Batch(slots, await queries.conflicts(session, offer.hall_id, slots), [])
    return Batch(slots, [], await add_showtimes(session, offer, stage, slots))


async def schedule_many(session: AsyncSession, plans: Mapping[UUID, Plan]) -> int:
    """By id and in one go, whenever they are; what is there already, or finds its hall taken, is left out.

    Returns how many are new. Raises MovieNotFound, HallNotFound, ValidationFailed, PricesIncomplete.
    """
    if not plans:
        return 0
    hall_ids = {plan.hall_id for plan in plans.values()}
    locked = select(Hall).where(Hall.id.in_(hall_ids)).order_by(Hall.id).options(joinedload(Hall.theater))
    halls = {hall.id: hall for hall in await session.scalars(locked.with_for_update(of=Hall, key_share=True))}
    movie_ids = {plan.movie_id for plan in plans.values()}
    movies = {movie.id: movie for movie in await session.scalars(select(Movie).where(Movie.id.in_(movie_ids)))}
    if hall_ids - halls.keys():
        raise HallNotFound
    if movie_ids - movies.keys():
        raise MovieNotFound
    rows = []
    for id_, plan in plans.items():
        stage = Stage(movies[plan.movie_id], halls[plan.hall_id])
        slot = Slot.of(plan.starts_at, stage.movie.runtime_minutes)
        rows.append(row(session, plan, stage, slot) | {"id": id_})
    made = (await session.scalars(insert(Showtime).on_conflict_do_nothing().returning(Showtime.id), rows)).all()
    for showtime in await session.scalars(queries.complete().where(Showtime.id.in_(made)).order_by(Showtime.id)):
        publish(session, ShowtimeScheduled(**facts(showtime)))
    return len(made)


async def change_showtime(
    session: AsyncSession, showtime_id: UUID, changes: dict[str, Any], reason: str = ""
) -> Showtime:
    """`changes`: starts_at, prices (all of them), currency, sales_close_minutes, single_seat_rule. Sold tickets keep
    their price. Raises ShowtimeNotFound, NotScheduled, ValidationFailed, PricesIncomplete, HallBusy."""
    showtime = await lock_showtime(session, showtime_id)
    if showtime.status != "scheduled":
        raise NotScheduled
    if not changes:
        return showtime
    slot = Slot(showtime.starts_at, showtime.ends_at, showtime.busy_until)
    if "starts_at" in changes:
        refuse_time(changes["starts_at"])
        slot = Slot.of(changes["starts_at"], showtime.movie.runtime_minutes)
    minutes = changes.get("sales_close_minutes", showtime.sales_close_minutes)
    values = times(showtime.hall.number, showtime.theater.timezone, slot, minutes)
    values |= new_prices(session, showtime, changes)
    values["single_seat_rule"] = changes.get("single_seat_rule", showtime.single_seat_rule)
    async with hall_kept_free(session, showtime.hall, [slot], moved=showtime_id):
        mine = update(Showtime).where(Showtime.id == showtime_id)
        await session.execute(mine.values(version=Showtime.version + 1, **values))
    changed = await queries.showtime(session, showtime_id)
    publish(session, ShowtimeChanged(**facts(changed), reason=reason))
    return changed


def new_prices(session: AsyncSession, showtime: Showtime, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Raises ValidationFailed, PricesIncomplete."""
    currency = till_currency(session, changes.get("currency"))
    if "prices" not in changes:
        return {}
    prices = resolve(changes["prices"], currency, showtime.categories)
    return {"prices": [price.model_dump() for price in prices]}


async def cancel_showtime(session: AsyncSession, showtime_id: UUID, reason: str) -> Showtime:
    """Until it has ended; again changes nothing. Raises ShowtimeNotFound, NotScheduled."""
    showtime = await lock_showtime(session, showtime_id)
    now = datetime.now(UTC)
    if showtime.cancelled_at is None:
        if showtime.ends_at <= now:
            raise NotScheduled
        showtime.cancelled_at, showtime.cancel_reason = now, reason
        showtime.version += 1
        publish(session, ShowtimeCancelled(version=showtime.version, showtime_id=showtime_id, reason=reason))
    return showtime


async def lock_showtime(session: AsyncSession, showtime_id: UUID) -> Showtime:
    """And its hall, before it. Raises ShowtimeNotFound."""
    showtime = await queries.showtime(session, showtime_id)
    await lock_hall(session, showtime.hall_id)
    locked = queries.complete().where(Showtime.id == showtime_id).with_for_update(of=Showtime)
    return (await session.scalars(locked, execution_options={"populate_existing": True})).one()
