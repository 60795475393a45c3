"""Films: lists, search, suggestions."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Uuid, and_, any_, func, literal, or_, select
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from services.catalog.errors import MovieNotFound
from services.catalog.films import genre_facet, language_facet
from services.catalog.models import Movie, Showtime
from services.catalog.queries.showtimes import upcoming
from services.catalog.search import TITLE_TIERS, matches, tiers, understood
from services.catalog.words import all_of, normalise, phrase, words
from services.shared.paging import Paging, Rows, page, page_of_tiers
from services.shared.schemas import Text

SOON = dt.timedelta(days=14)
SUGGESTIONS = 8

Status = Literal["now_showing", "coming_soon", "all"]
Sort = Literal["title", "-title", "release_date", "-release_date", "popularity", "-popularity"]
Order = ColumnElement[Any] | InstrumentedAttribute[Any]

# What each sorts by, and whether from its largest value down. Popularity as its index has it, the most popular first.
SORTS: Mapping[Sort, tuple[Order, bool]] = {
    "title": (Movie.title_key, False),
    "-title": (Movie.title_key, True),
    "release_date": (Movie.release_date, False),
    "-release_date": (Movie.release_date, True),
    "popularity": (-Movie.popularity, True),
    "-popularity": (-Movie.popularity, False),
}
# A plan that is made for all values at once cannot know that one word is in two films and another in thousands.
PLAN_EACH_TIME = sql("SET LOCAL plan_cache_mode = force_custom_plan")


@dataclass(frozen=True)
class MovieFilters:
    """`date` and `theater_id`: films with a showtime to come that day (in the theater's zone), there, or both.
    `actor` and `director` are words of a name. Without `sort` the best match comes first, then the most popular."""

    query: Text | None = None
    genre: Text | None = None
    age_rating: Text | None = None
    language: Text | None = None
    actor: Text | None = None
    director: Text | None = None
    date: dt.date | None = None
    theater_id: UUID | None = None
    status: Status = "all"
    sort: Sort | None = None


@dataclass(frozen=True)
class GenreCount:
    name: str
    count: int


class Suggestions(NamedTuple):
    titles: Sequence[Movie]
    people: Sequence[str]
    genres: Sequence[str]


async def movies(session: AsyncSession, filters: MovieFilters, place: Paging) -> Rows[Movie]:
    """Films that pass all filters."""
    await session.execute(PLAN_EACH_TIME)
    found = select(Movie).where(Movie.deleted_at.is_(None), *conditions(filters), *await on_show(session, filters))
    if not (filters.query and filters.query.strip()):
        return await in_order(session, found, place, filters.sort or "-popularity")
    terms = await understood(session, filters.query)
    if not terms:
        return Rows([], None)
    if filters.sort:
        return await in_order(session, found.where(matches(Movie.search, all_of(terms))), place, filters.sort)
    ranked = [found.where(tier) for tier in tiers(filters.query, terms)]
    return await page_of_tiers(session, ranked, place, -Movie.popularity, Movie.id)


async def in_order(session: AsyncSession, found: Select[Movie], place: Paging, sort: Sort) -> Rows[Movie]:
    column, descending = SORTS[sort]
    return await page(session, found, place, column, Movie.id, descending=descending)


def conditions(filters: MovieFilters) -> list[ColumnElement[bool]]:
    facets = [genre_facet(filters.genre)] if filters.genre else []
    facets += [language_facet(filters.language)] if filters.language else []
    people = [phrase(filters.actor, "B")] if filters.actor else []
    people += [phrase(filters.director, "C")] if filters.director else []
    return [
        *([Movie.facets.contains(facets)] if facets else []),
        *([Movie.age_rating == filters.age_rating] if filters.age_rating else []),
        *(matches(Movie.people, words_) for words_ in people),
    ]


async def on_show(session: AsyncSession, filters: MovieFilters) -> list[ColumnElement[bool]]:
    """What the showtimes to come decide. They are asked first: with the few films that are on among thousands, the
    films' query finds the others sooner."""
    wanted = [Showtime.local_date == filters.date] if filters.date else []
    wanted += [Showtime.theater_id == filters.theater_id] if filters.theater_id else []
    there = [is_one_of(await shown(session, *wanted))] if wanted else []
    return there if filters.status == "all" else [*there, *await by_status(session, filters.status)]


async def by_status(session: AsyncSession, status: Status) -> list[ColumnElement[bool]]:
    """`now_showing`: to be seen within 14 days or, once it is released, whenever. `coming_soon`: not yet."""
    today = dt.datetime.now(dt.UTC)
    near = func.bool_or(Showtime.starts_at < today + SOON)
    coming = select(Showtime.movie_id, near).where(*upcoming()).group_by(Showtime.movie_id)
    found = [(id_, is_near) for id_, is_near in await session.execute(coming)]
    planned, soon = is_one_of([id_ for id_, _ in found]), is_one_of([id_ for id_, is_near in found if is_near])
    is_released = Movie.release_date <= today.date()
    now_showing = or_(soon, and_(is_released, planned))
    return [now_showing] if status == "now_showing" else [~now_showing, or_(~is_released, planned)]


async def shown(session: AsyncSession, *wanted: ColumnElement[bool]) -> Sequence[UUID]:
    """Films with a showtime to come that fulfils the conditions."""
    return (await session.scalars(select(Showtime.movie_id).where(*upcoming(), *wanted).distinct())).all()


def has_showtime() -> ColumnElement[bool]:
    """Whether the film has a showtime to come."""
    return Movie.id.in_(select(Showtime.movie_id).where(*upcoming()))


def is_one_of(ids: Sequence[UUID]) -> ColumnElement[bool]:
    return Movie.id == any_(literal(ids, ARRAY(Uuid)))


async def movie(session: AsyncSession, movie_id: UUID) -> Movie:
    """Raises MovieNotFound."""
    found = await session.scalar(select(Movie).where(Movie.id == movie_id, Movie.deleted_at.is_(None)))
    if found is None:
        raise MovieNotFound
    return found


async def genres(session: AsyncSession) -> list[GenreCount]:
    """Each genre with its number of films, the largest first. Films with the same genres are counted together, by
    their index alone."""
    alike = select(Movie.genres, func.count().label("films")).where(Movie.deleted_at.is_(None)).group_by(Movie.genres)
    groups = alike.subquery()
    name = func.jsonb_array_elements_text(groups.c.genres).column_valued("name", joins_implicitly=True)
    count = func.sum(groups.c.films).label("count")
    found = select(name, count).select_from(groups).group_by(name)
    return [GenreCount(*row) for row in await session.execute(found.order_by(count.desc(), name))]


async def suggestions(session: AsyncSession, text: str) -> Suggestions:
    """Titles, people and genres that go on as `text` begins; titles and people also with a typing error."""
    await session.execute(PLAN_EACH_TIME)
    terms = await understood(session, text)
    if not terms:
        return Suggestions([], [], [])
    films = select(Movie).where(Movie.deleted_at.is_(None))
    by_title = [films.where(tier) for tier in tiers(text, terms)[:TITLE_TIERS]]
    titles = await page_of_tiers(session, by_title, Paging(limit=SUGGESTIONS), -Movie.popularity, Movie.id)
    with_people = films.where(matches(Movie.people, all_of(terms)))
    known = await in_order(session, with_people, Paging(limit=SUGGESTIONS), "-popularity")
    people = dict.fromkeys(person for film in known.items for person in (*film.cast, film.director))
    named = [person for person in people if begins(person, terms)]
    kinds = [genre.name for genre in await genres(session) if normalise(genre.name).startswith(normalise(text))]
    return Suggestions(titles.items, named[:SUGGESTIONS], kinds[:SUGGESTIONS])


def begins(name: str, terms: Sequence[Sequence[str]]) -> bool:
    """Whether each term begins a word of the name."""
    own = words(name)
    return all(any(word.startswith(tuple(term)) for word in own) for term in terms)
