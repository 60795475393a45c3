"""Posters."""

import asyncio
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.catalog.commands.movies import lock_movie
from services.catalog.models import Movie, Poster
from services.catalog.models.films import poster_address
from services.catalog.pictures import redrawn


async def set_poster(session: AsyncSession, movie_id: UUID, content: bytes) -> Movie:
    """`content` is a JPEG, PNG or WebP file. Raises MovieNotFound, PosterNotReadable, PosterTooManyPixels."""
    picture = await asyncio.to_thread(redrawn, content)
    movie = await lock_movie(session, movie_id)
    new = insert(Poster).values(movie_id=movie_id, **vars(picture))
    await session.execute(new.on_conflict_do_update(index_elements=[Poster.movie_id], set_=vars(picture)))
    movie.own_poster_url = poster_address(movie_id, picture.version)
    return movie


async def remove_poster(session: AsyncSession, movie_id: UUID) -> None:
    """There may be none. Raises MovieNotFound."""
    movie = await lock_movie(session, movie_id)
    movie.own_poster_url = None
    await session.execute(delete(Poster).where(Poster.movie_id == movie_id))
