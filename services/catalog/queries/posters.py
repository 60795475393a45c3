"""Posters."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.catalog import drawing
from services.catalog.errors import MovieNotFound
from services.catalog.models import Movie, Poster
from services.catalog.pictures import Picture


async def poster(session: AsyncSession, movie_id: UUID) -> Picture:
    """The one that was given, else a drawn one; also of films that are gone, since past showtimes show them.

    Raises MovieNotFound.
    """
    given = await session.get(Poster, movie_id)
    if given is not None:
        return Picture(given.version, given.media_type, given.content)
    movie = await session.get(Movie, movie_id)
    if movie is None:
        raise MovieNotFound
    facts = movie.title, movie.genres, movie.release_date.year
    return Picture(drawing.edition(*facts), drawing.MEDIA_TYPE, drawing.draw(*facts).encode())
