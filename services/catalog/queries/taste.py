"""What a user saw, rated and wants to see."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from services.catalog.models import Movie, Rating, Showtime, Visit, Wish
from services.shared.paging import Paging, Rows, page


class Seat(NamedTuple):
    """A ticket, as far as the catalog knows of it."""

    ticket_id: UUID
    movie_id: UUID
    title: str
    showtime_id: UUID
    starts_at: datetime
    voided: bool


class Trace(NamedTuple):
    """All that is stored about a user."""

    user_id: UUID
    watchlist: Sequence[Wish]
    ratings: Sequence[Rating]
    visits: Sequence[Seat]


async def watchlist(session: AsyncSession, user_id: UUID, place: Paging) -> Rows[Wish]:
    """The latest first."""
    mine = select(Wish).join(Wish.movie).where(Wish.user_id == user_id, Movie.deleted_at.is_(None))
    whole = mine.options(joinedload(Wish.movie, innerjoin=True))
    return await page(session, whole, place, Wish.added_at, Wish.movie_id, descending=True)


async def ratings(session: AsyncSession, user_id: UUID, place: Paging) -> Rows[Rating]:
    """The latest first."""
    mine = select(Rating).join(Rating.movie).where(Rating.user_id == user_id, Movie.deleted_at.is_(None))
    whole = mine.options(joinedload(Rating.movie, innerjoin=True))
    return await page(session, whole, place, Rating.rated_at, Rating.movie_id, descending=True)


async def has_seen(session: AsyncSession, user_id: UUID, movie_id: UUID) -> bool:
    """Whether the user has a valid ticket of a showtime of the film that has begun."""
    tickets = Visit.user_id == user_id, Visit.movie_id == movie_id, ~Visit.voided
    begun = Showtime.id == Visit.showtime_id, Showtime.starts_at <= func.now(), Showtime.cancelled_at.is_(None)
    return bool(await session.scalar(select(exists().where(*tickets, *begun))))


async def trace(session: AsyncSession, user_id: UUID) -> Trace:
    """Also of films that are gone from the lists."""
    wishes = select(Wish).where(Wish.user_id == user_id).options(joinedload(Wish.movie, innerjoin=True))
    stars = select(Rating).where(Rating.user_id == user_id).options(joinedload(Rating.movie, innerjoin=True))
    seats = (
        select(Visit.ticket_id, Movie.id, Movie.title, Showtime.id, Showtime.starts_at, Visit.voided)
        .join(Movie, Movie.id == Visit.movie_id)
        .join(Showtime, Showtime.id == Visit.showtime_id)
        .where(Visit.user_id == user_id)
    )
    return Trace(
        user_id,
        (await session.scalars(wishes.order_by(Wish.added_at, Wish.movie_id))).all(),
        (await session.scalars(stars.order_by(Rating.rated_at, Rating.movie_id))).all(),
        [Seat(*row) for row in await session.execute(seats.order_by(Visit.ticket_id))],
    )
