"""Halls: which are free, and what stands in the way."""

import datetime as dt
from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, and_, cast, exists, func, literal, or_, select
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from services.catalog.errors import Conflict, FreeHall, Screened
from services.catalog.models import Hall, Showtime, Theater
from services.catalog.plans import Slot
from services.catalog.queries.facts import film_fact, theater_fact
from services.catalog.queries.showtimes import complete

Moment = dt.datetime | dt.date


async def open_hall(session: AsyncSession, hall_id: UUID) -> Hall | None:
    """For `db.arrived`: our copy, if it has come and the hall isn't closed."""
    return await session.scalar(select(Hall).where(Hall.id == hall_id, Hall.closed_at.is_(None)))


async def conflicts(
    session: AsyncSession, hall_id: UUID, slots: Iterable[Slot], moved: UUID | None = None
) -> list[Conflict]:
    """The showtimes that need the hall within one of the slots; one that is moved itself does not stand in its way."""
    within = or_(*(overlapping(slot.starts_at, slot.busy_until) for slot in slots))
    query = complete().where(Showtime.hall_id == hall_id, Showtime.cancelled_at.is_(None), within)
    query = query.where(Showtime.id != moved) if moved else query
    found = await session.scalars(query.order_by(Showtime.starts_at))
    return [
        Conflict(row.id, Screened(**film_fact(row.movie).model_dump()), row.starts_at, row.ends_at) for row in found
    ]


async def free_halls(session: AsyncSession, slots: Sequence[Slot], theater_id: UUID) -> list[FreeHall]:
    """Halls of the theater that are free in all slots."""
    within = or_(*(overlapping(slot.starts_at, slot.busy_until) for slot in slots))
    return await halls_without(session, within, theater_id)


async def halls_free_between(
    session: AsyncSession, start: Moment, end: Moment, theater_id: UUID | None
) -> list[FreeHall]:
    """Halls that nobody needs from `start` to `end`; a date is the whole day in the theater's zone."""
    within = overlapping(instant(start), instant(end, days=1))
    return await halls_without(session, within, theater_id)


async def halls_without(session: AsyncSession, within: ColumnElement[bool], theater_id: UUID | None) -> list[FreeHall]:
    taken = exists().where(Showtime.hall_id == Hall.id, Showtime.cancelled_at.is_(None), within)
    free = select(Hall).join(Hall.theater).where(Hall.closed_at.is_(None), ~taken).options(joinedload(Hall.theater))
    if theater_id is not None:
        free = free.where(Hall.theater_id == theater_id)
    found = await session.scalars(free.order_by(Theater.name, Theater.id, Hall.name, Hall.id))
    return [FreeHall(hall.id, hall.name, theater_fact(hall.theater)) for hall in found]


def overlapping(
    start: dt.datetime | ColumnElement[dt.datetime], end: dt.datetime | ColumnElement[dt.datetime]
) -> ColumnElement[bool]:
    return and_(Showtime.starts_at < end, Showtime.busy_until > start)


def instant(moment: Moment, days: int = 0) -> dt.datetime | ColumnElement[dt.datetime]:
    """A date becomes midnight of the theater's zone, `days` later."""
    if isinstance(moment, dt.datetime):
        return moment
    midnight = cast(literal(moment) + literal(days), TIMESTAMP(timezone=False))
    return func.timezone(Theater.timezone, midnight)
