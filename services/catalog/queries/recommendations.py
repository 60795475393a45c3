"""Films for one user, each with its reason: drawn from what the user saw, rated and wants to see.

Two things speak for a film: that those who saw the user's films went to see it too (`affinity`, kept up by the clock:
commands/prospects.py), and that it is akin to them in genres and people. Popular films fill up what is missing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select, text
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncSession

from services.catalog import wording
from services.catalog.models import Movie, Rating, Visit, Wish
from services.catalog.queries.movies import has_showtime

# A longer history would take longer, and say little more.
MOST_SOURCES = 200
# Films may have left the programme since the prospects were last renewed.
SPARE = 10


class Title(NamedTuple):
    id: UUID
    title: str


@dataclass(frozen=True)
class Because:
    """`reason`: rated, seen, booked, watchlist or popular; `movie` is the user's film that speaks most for this one."""

    reason: str
    movie: Title | None
    text: str


@dataclass(frozen=True)
class Recommendation:
    movie: Movie
    because: Because


async def recommendations(session: AsyncSession, user_id: UUID, limit: int, language: str) -> list[Recommendation]:
    """Films that are on or coming, the best first; none that the user saw, rated or has on the watchlist.

    `language`: of the reasons, a BCP 47 tag.
    """
    asked = {"user_id": user_id, "sources": MOST_SOURCES, "limit": limit + SPARE}
    ranked = (await session.execute(RANKED, asked)).all()
    films = await on_offer_by_id(session, [row.movie_id for row in ranked])
    known = [row for row in ranked if row.movie_id in films][:limit]
    personal = [Recommendation(films[row.movie_id], because(row, language)) for row in known]
    taken = [found.movie.id for found in personal]
    return [*personal, *await popular(session, user_id, taken, limit - len(taken), language)]


def because(row: Row[Any], language: str) -> Because:
    key = f"{row.reason}.others" if row.through_others else row.reason
    text_ = wording.reason(key, language, title=row.title, stars=row.stars)
    return Because(row.reason, Title(row.source_id, row.title), text_)


async def on_offer_by_id(session: AsyncSession, ids: Iterable[UUID]) -> Mapping[UUID, Movie]:
    found = await session.scalars(select(Movie).where(Movie.id.in_(ids), *on_offer()))
    return {movie.id: movie for movie in found}


async def popular(
    session: AsyncSession, user_id: UUID, taken: Iterable[UUID], limit: int, language: str
) -> list[Recommendation]:
    if limit <= 0:
        return []
    known = (
        select(Visit.movie_id).where(Visit.user_id == user_id, ~Visit.voided, Visit.movie_id.is_not(None)),
        select(Rating.movie_id).where(Rating.user_id == user_id),
        select(Wish.movie_id).where(Wish.user_id == user_id),
    )
    news = select(Movie).where(*on_offer(), Movie.id.not_in(taken), *(Movie.id.not_in(ids) for ids in known))
    found = await session.scalars(news.order_by(-Movie.popularity, Movie.id).limit(limit))
    reason = Because("popular", None, wording.reason("popular", language))
    return [Recommendation(movie, reason) for movie in found]


def on_offer() -> list[ColumnElement[bool]]:
    return [Movie.deleted_at.is_(None), or_(Movie.release_date > func.current_date(), has_showtime())]


# What a film is like: its genres, its director and those who stand first in its cast.
TRAITS = """ARRAY(
    SELECT 'genre:' || lower(name) FROM jsonb_array_elements_text(movie.genres) AS name
    UNION
    SELECT 'person:' || lower(name)
    FROM jsonb_array_elements_text(movie."cast") WITH ORDINALITY AS billed (name, place) WHERE place <= 8
    UNION
    SELECT 'person:' || lower(movie.director)
    ORDER BY 1
)"""

# mine:  the user's films with what they weigh: one that was rated 1 or 2 speaks against what is like it.
# liked: the traits of these films, as shares of the whole; a shared person says three times as much as a genre.
# for_:  what speaks for which film, and which film of the user's says so.
RANKED = text(f"""
    WITH known AS (
        SELECT movie_id, 'rated' AS reason, stars, (stars - 2.5) / 1.25 AS weight, 1 AS rank
        FROM rating WHERE user_id = :user_id
        UNION ALL
        SELECT visit.movie_id, CASE WHEN min(starts_at) > now() THEN 'booked' ELSE 'seen' END, NULL::smallint, 1.0, 2
        FROM visit LEFT JOIN showtime ON showtime.id = showtime_id
        WHERE user_id = :user_id AND NOT voided AND visit.movie_id IS NOT NULL
        GROUP BY visit.movie_id
        UNION ALL
        SELECT movie_id, 'watchlist', NULL, 0.8, 3 FROM wish WHERE user_id = :user_id
    ), mine AS MATERIALIZED (
        SELECT DISTINCT ON (movie_id) movie_id, reason, stars, weight::float FROM known ORDER BY movie_id, rank
    ), strongest AS MATERIALIZED (
        SELECT * FROM mine ORDER BY abs(weight) DESC, movie_id DESC LIMIT :sources
    ), liked AS MATERIALIZED (
        SELECT trait, (array_agg(movie_id ORDER BY weight DESC, movie_id))[1] AS source_id,
            sum(weight) * CASE WHEN trait LIKE 'person:%' THEN 3 ELSE 1 END
                / (SELECT greatest(3, count(*)) FROM strongest) AS amount
        FROM strongest JOIN movie ON movie.id = movie_id, unnest({TRAITS}) AS trait
        GROUP BY trait
    ), for_ AS (
        SELECT affinity.movie_id, source_id, 2 * weight * strength AS amount, true AS through_others
        FROM strongest CROSS JOIN LATERAL (
            SELECT * FROM affinity WHERE source_id = strongest.movie_id ORDER BY strength DESC LIMIT 100) AS affinity
        UNION ALL
        SELECT prospect.movie_id, source_id, sum(amount), false
        FROM prospect, unnest(traits) AS trait JOIN liked USING (trait)
        GROUP BY prospect.movie_id, source_id
    ), by_source AS (
        SELECT movie_id, source_id, sum(amount) AS amount,
            coalesce(sum(amount) FILTER (WHERE through_others), 0) > sum(amount) / 2 AS through_others
        FROM for_ WHERE movie_id NOT IN (SELECT movie_id FROM mine)
        GROUP BY movie_id, source_id
    ), best AS (
        SELECT movie_id, sum(amount) AS score,
            (array_agg(source_id ORDER BY amount DESC, source_id))[1] AS source_id,
            (array_agg(through_others ORDER BY amount DESC, source_id))[1] AS through_others
        FROM by_source GROUP BY movie_id HAVING sum(amount) > 0
        ORDER BY score DESC, movie_id LIMIT :limit
    )
    SELECT best.movie_id, best.source_id, source.title, through_others, mine.reason, mine.stars
    FROM best JOIN mine ON mine.movie_id = best.source_id JOIN movie AS source ON source.id = best.source_id
    ORDER BY score DESC, best.movie_id
""")  # noqa: S608
