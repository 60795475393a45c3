"""Films."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import exists, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from services.catalog import queries
from services.catalog.commands.announce import announce_changes
from services.catalog.errors import ExternalIdTaken, MovieInUse, MovieNotFound
from services.catalog.films import Film, columns, vocabulary
from services.catalog.models import Movie, Showtime, Word
from services.catalog.words import deletions
from services.shared.ids import new_id


async def create_movie(session: AsyncSession, film: Film) -> Movie:
    """Raises ExternalIdTaken."""
    new = insert(Movie).values(id=new_id(), **columns(film)).on_conflict_do_nothing().returning(Movie.id)
    movie_id = await session.scalar(new)
    if movie_id is None:
        raise ExternalIdTaken
    await learn(session, [film])
    return await queries.movie(session, movie_id)


async def save_movies(session: AsyncSession, films: Mapping[UUID, Film]) -> None:
    """Make or change many at once, by id."""
    if not films:
        return
    rows = [{"id": id_, **columns(film)} for id_, film in films.items()]
    new = insert(Movie)
    names = [name for name in rows[0] if name != "id"]
    await session.execute(
        new.on_conflict_do_update(index_elements=[Movie.id], set_={name: new.excluded[name] for name in names}), rows
    )
    await learn(session, films.values())


async def change_movie(session: AsyncSession, movie_id: UUID, changes: dict[str, Any]) -> Movie:
    """Raises MovieNotFound, ExternalIdTaken. Showtimes keep their times, whatever the new runtime is."""
    movie = await lock_movie(session, movie_id)
    facts = {name: getattr(movie, name) for name in Film.model_fields}
    film = Film.model_construct(**(facts | changes))
    try:
        async with session.begin_nested():
            for name, value in columns(film).items():
                setattr(movie, name, value)
    except IntegrityError as error:
        raise ExternalIdTaken from error
    await learn(session, [film])
    if changes.keys() & {"title", "age_rating"}:
        await announce_changes(session, Showtime.movie_id == movie_id)
    return await queries.movie(session, movie_id)


async def delete_movie(session: AsyncSession, movie_id: UUID) -> None:
    """Past showtimes keep it. Raises MovieNotFound, MovieInUse."""
    movie = await lock_movie(session, movie_id)
    if await session.scalar(select(exists().where(Showtime.movie_id == movie_id, *queries.upcoming()))):
        raise MovieInUse
    movie.deleted_at = func.now()


async def lock_movie(session: AsyncSession, movie_id: UUID, *, share: bool = False) -> Movie:
    """So that nobody schedules a film while it is being deleted. Raises MovieNotFound."""
    there = select(Movie).where(Movie.id == movie_id, Movie.deleted_at.is_(None))
    movie = await session.scalar(there.with_for_update(read=share, key_share=share))
    if movie is None:
        raise MovieNotFound
    return movie


async def learn(session: AsyncSession, films: Iterable[Film]) -> None:
    """Remember the words of films. Sorted, so that two who learn the same words don't wait for each other in a ring."""
    rows = [
        {"word": word, "deletions": sorted(deletions(word))}
        for word in sorted({word for film in films for word in vocabulary(film)})
    ]
    if rows:
        await session.execute(insert(Word).on_conflict_do_nothing(), rows)
