"""Showtimes."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field
from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from services.catalog.errors import ShowtimeNotFound
from services.catalog.models import Showtime, Theater
from services.catalog.plans import Accessibility, Format
from services.catalog.words import normalise
from services.shared.paging import Paging, Rows, page
from services.shared.schemas import Text


@dataclass(frozen=True)
class ShowtimeFilters:
    """Days are the theater's own; `from` and `to` are both included."""

    movie_id: UUID | None = None
    theater_id: UUID | None = None
    city: Text | None = None
    date: dt.date | None = None
    format: Format | None = None
    language: Text | None = None
    accessibility: Accessibility | None = None
    from_: Annotated[dt.date | None, Field(alias="from")] = None
    to: dt.date | None = None


def upcoming() -> list[ColumnElement[bool]]:
    return [Showtime.cancelled_at.is_(None), Showtime.leaves_at > func.now()]


def complete() -> Select[Showtime]:
    """Showtimes with their film, theater and hall."""
    parts = (Showtime.movie, Showtime.theater, Showtime.hall)
    return select(Showtime).options(*(joinedload(part, innerjoin=True) for part in parts))


async def showtimes(session: AsyncSession, filters: ShowtimeFilters, place: Paging) -> Rows[Showtime]:
    """Those to come that pass all filters, in order of their start."""
    found = complete().where(*upcoming(), *conditions(filters))
    return await page(session, found, place, Showtime.starts_at, Showtime.id)


def conditions(filters: ShowtimeFilters) -> list[ColumnElement[bool]]:
    return [FILTERS[name](asked) for name, asked in vars(filters).items() if asked is not None]


def in_city(city: str) -> ColumnElement[bool]:
    return Showtime.theater_id.in_(select(Theater.id).where(Theater.city_key == normalise(city)))


async def showtime(session: AsyncSession, showtime_id: UUID) -> Showtime:
    """Also one that is past or cancelled. Raises ShowtimeNotFound."""
    found = await session.scalar(
        complete().where(Showtime.id == showtime_id), execution_options={"populate_existing": True}
    )
    if found is None:
        raise ShowtimeNotFound
    return found


FILTERS: Mapping[str, Callable[[Any], ColumnElement[bool]]] = {
    "movie_id": lambda id_: Showtime.movie_id == id_,
    "theater_id": lambda id_: Showtime.theater_id == id_,
    "city": in_city,
    "date": lambda day: Showtime.local_date == day,
    "from_": lambda day: Showtime.local_date >= day,
    "to": lambda day: Showtime.local_date <= day,
    "format": lambda name: Showtime.format == name,
    "language": lambda name: func.lower(Showtime.language) == name.lower(),
    "accessibility": lambda kind: Showtime.accessibility.contains([kind]),
}
