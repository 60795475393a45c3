"""Rows of the timetable. The database decides whether a hall is free; who writes into a hall's timetable locks the
hall's row first, since two overlapping inserts that wait for each other's outcome would deadlock."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from services.catalog import queries
from services.catalog.commands.announce import facts
from services.catalog.commands.movies import lock_movie
from services.catalog.errors import HallBusy, HallNotFound
from services.catalog.models import Hall, Movie, Showtime
from services.catalog.plans import Offer, Slot, resolve
from services.shared.db import settings_of
from services.shared.errors import ValidationFailed
from services.shared.events import ShowtimeScheduled
from services.shared.ids import new_id
from services.shared.messaging import publish

EXCLUSION_VIOLATION = "23P01"
HALL_SHIFT = 32


class Stage(NamedTuple):
    """What a showtime needs."""

    movie: Movie
    hall: Hall


async def lock_stage(session: AsyncSession, offer: Offer) -> Stage:
    """Raises HallNotFound, MovieNotFound."""
    hall = await lock_hall(session, offer.hall_id)
    if hall.closed_at:
        raise HallNotFound
    return Stage(await lock_movie(session, offer.movie_id, share=True), hall)


async def lock_hall(session: AsyncSession, hall_id: UUID) -> Hall:
    """With its theater. Raises HallNotFound."""
    there = select(Hall).where(Hall.id == hall_id).options(joinedload(Hall.theater, innerjoin=True))
    hall = await session.scalar(there.with_for_update(of=Hall, key_share=True))
    if hall is None:
        raise HallNotFound
    return hall


def row(session: AsyncSession, offer: Offer, stage: Stage, slot: Slot) -> dict[str, Any]:
    """A showtime's columns. Raises ValidationFailed, PricesIncomplete."""
    hall = stage.hall
    prices = resolve(offer.prices, till_currency(session, offer.currency), hall.categories)
    return {
        **offer.model_dump(include={"movie_id", "hall_id", "format", "language", "subtitles", "single_seat_rule"}),
        **{name: getattr(hall, name) for name in ("theater_id", "layout_version", "capacity", "categories")},
        **times(hall.number, hall.theater.timezone, slot, offer.sales_close_minutes),
        "id": new_id(),
        "accessibility": sorted(set(offer.accessibility)),
        "prices": [price.model_dump() for price in prices],
    }


def till_currency(session: AsyncSession, asked: str | None) -> str:
    """The one that all is sold in: what a coin is worth, and the books, know no other. Raises ValidationFailed."""
    own = settings_of(session).currency
    if asked not in (None, own):
        raise ValidationFailed(errors=[{"pointer": "/body/currency", "message": f"everything here is sold in {own}"}])
    return own


def times(hall_number: int, timezone: str, slot: Slot, sales_close_minutes: int) -> dict[str, Any]:
    """The columns that follow from a slot."""
    return {
        **slot._asdict(),
        "busy_from": busy(hall_number, slot.starts_at),
        "busy_to": busy(hall_number, slot.busy_until),
        "local_date": slot.starts_at.astimezone(ZoneInfo(timezone)).date(),
        "sales_close_minutes": sales_close_minutes,
        "sales_close_at": slot.starts_at - timedelta(minutes=sales_close_minutes),
    }


def busy(hall_number: int, at: datetime) -> int:
    return (hall_number << HALL_SHIFT) + int(at.timestamp())


async def add_showtimes(session: AsyncSession, offer: Offer, stage: Stage, slots: Sequence[Slot]) -> list[Showtime]:
    """All or none. Raises ValidationFailed, PricesIncomplete, HallBusy."""
    added = [Showtime(**row(session, offer, stage, slot)) for slot in slots]
    async with hall_kept_free(session, stage.hall, slots):
        session.add_all(added)
    found = await session.scalars(
        queries.complete().where(Showtime.id.in_([showtime.id for showtime in added])).order_by(Showtime.starts_at),
        execution_options={"populate_existing": True},
    )
    showtimes = list(found)
    for showtime in showtimes:
        publish(session, ShowtimeScheduled(**facts(showtime)))
    return showtimes


@asynccontextmanager
async def hall_kept_free(
    session: AsyncSession, hall: Hall, slots: Sequence[Slot], moved: UUID | None = None
) -> AsyncIterator[None]:
    """Undoes the block and raises HallBusy if two showtimes would need the hall at once. `moved` is the one that is
    given another slot."""
    hall_id, theater_id = hall.id, hall.theater_id
    try:
        async with session.begin_nested():
            yield
    except IntegrityError as error:
        if getattr(error.orig, "sqlstate", None) != EXCLUSION_VIOLATION:
            raise
        raise HallBusy(
            conflicts=await queries.conflicts(session, hall_id, slots, moved),
            free_halls=await queries.free_halls(session, slots, theater_id),
        ) from error
