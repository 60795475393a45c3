"""Films."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from pydantic_core import to_jsonable_python
from sqlalchemy import (
    Boolean,
    Row,
    TableValuedAlias,
    Text,
    any_,
    cast,
    column,
    exists,
    func,
    literal,
    literal_column,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, REGCLASS, insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from services.catalog import queries
from services.catalog.commands.announce import announce_changes
from services.catalog.errors import ExternalIdTaken, MovieInUse, MovieNotFound
from services.catalog.films import Film, columns, vocabulary
from services.catalog.models import Base, Movie, Showtime, Word
from services.catalog.words import deletions
from services.shared.ids import new_id

# What others keep of a film with its showtimes.
TOLD = ("title", "runtime_minutes", "age_rating")


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


async def put_movies(session: AsyncSession, films: Sequence[Film]) -> int:
    """Replace those whose `external_id` is known, add the others. No two may have the same one.

    Returns how many are new.
    """
    before = await lock_known(session, [film.external_id for film in films if film.external_id])
    rows = await asyncio.to_thread(lambda: [{"id": new_id(), **columns(film)} for film in films])
    new = insert(Movie).from_select([*rows[0]], select(as_table(rows, Movie)))
    replace = new.on_conflict_do_update(
        index_elements=[Movie.external_id],
        index_where=Movie.deleted_at.is_(None),
        set_={name: new.excluded[name] for name in rows[0] if name != "id"},
    )
    is_new = literal_column("(xmax = 0)", Boolean)  # the mark of who replaced a row: nobody, where there was none
    made = (await session.scalars(replace.returning(is_new))).all()
    await learn(session, films)
    known = ((before[film.external_id], film) for film in films if film.external_id in before)
    changed = [movie.id for movie, film in known if any(getattr(movie, name) != getattr(film, name) for name in TOLD)]
    if changed:
        await announce_changes(session, Showtime.movie_id.in_(changed))
    return sum(made)


async def settle_movies(session: AsyncSession) -> None:
    """After many films at once: what autovacuum would do in a minute, so that the first searches are fast as well.

    The planner learns which words are frequent, and the words that wait beside the indexes are sorted in.
    """
    await session.execute(text("SET LOCAL statement_timeout = '2min'"))
    await session.execute(text("ANALYZE movie"))
    for index in ("movie_search_idx", "movie_titles_idx", "movie_people_idx", "movie_names_idx", "movie_facets_idx"):
        await session.execute(select(func.gin_clean_pending_list(cast(index, REGCLASS))))


async def lock_known(session: AsyncSession, external_ids: Sequence[str]) -> dict[str | None, Row[Any]]:
    """The films with these ids as they are; locked in one order, so that no two imports wait for each other."""
    facts = (Movie.external_id, Movie.id, *(getattr(Movie, name) for name in TOLD))
    known = select(*facts).where(
        Movie.external_id == any_(literal(external_ids, ARRAY(Text))), Movie.deleted_at.is_(None)
    )
    rows = await session.execute(known.order_by(Movie.id).with_for_update(key_share=True))
    return {row.external_id: row for row in rows}


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
    if any(facts[name] != getattr(film, name) for name in TOLD):
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
    met = sorted({word for film in films for word in vocabulary(film)})
    known = set(await session.scalars(select(Word.word).where(Word.word == any_(literal(met, ARRAY(Text))))))
    rows = [{"word": word, "deletions": sorted(deletions(word))} for word in met if word not in known]
    if rows:
        new = insert(Word).from_select([*rows[0]], select(as_table(rows, Word)))
        await session.execute(new.on_conflict_do_nothing())


def as_table(rows: Sequence[dict[str, Any]], model: type[Base]) -> TableValuedAlias:
    """Rows of a model's columns as one parameter, in JSON: a parameter for each value costs more than to store it."""
    values = literal(to_jsonable_python(rows), JSONB)
    typed = (column(name, model.__table__.c[name].type) for name in rows[0])
    return func.jsonb_to_recordset(values).table_valued(*typed).render_derived(name="given", with_types=True)
