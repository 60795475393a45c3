"""Which films can be recommended, and whom they draw: kept up by the clock, for what queries/recommendations.py asks.

Each prospect is computed by itself, from the last of its tickets and the newest films that their owners saw: time and
memory are bounded by the constants here, and a prospect that sells no tickets costs nothing.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Text, delete, exists, func, literal_column, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.catalog.models import Affinity, Movie, Prospect
from services.catalog.queries.recommendations import TRAITS, on_offer

MOST_TICKETS = 1_000
MOST_FILMS_EACH = 40
MOST_SOURCES = 200
STALE_AT_ONCE = 50
# A film is looked at again once its tickets are this share more or fewer.
CHANGE = 0.05


async def renew_prospects(session: AsyncSession) -> None:
    """Films that are on or coming come in, with their traits as they are now; others go, with their affinities."""
    await session.execute(delete(Prospect).where(~exists().where(Movie.id == Prospect.movie_id, *on_offer())))
    films = select(Movie.id, literal_column(TRAITS, ARRAY(Text))).where(*on_offer()).order_by(Movie.id)
    new = insert(Prospect).from_select(["movie_id", "traits"], films)
    traits = new.excluded.traits
    changed = Prospect.traits != traits
    await session.execute(
        new.on_conflict_do_update(index_elements=[Prospect.movie_id], set_={"traits": traits}, where=changed)
    )


async def stale_prospects(session: AsyncSession) -> Sequence[UUID]:
    """Up to STALE_AT_ONCE that have sold tickets, or had some voided, since their affinities were computed."""
    stale = func.abs(Movie.popularity - Prospect.popularity) > CHANGE * Prospect.popularity
    found = select(Prospect.movie_id).join(Movie, Movie.id == Prospect.movie_id).where(stale)
    return (await session.scalars(found.order_by(Prospect.renewed_at, Prospect.movie_id).limit(STALE_AT_ONCE))).all()


async def renew_affinities(session: AsyncSession, movie_id: UUID) -> None:
    """Whom a prospect draws: of each other film that its viewers saw, how many viewers both have (Ochiai's
    coefficient), less where few have seen the prospect. Who gave a film one or two stars is no viewer of it."""
    current = select(Movie.popularity).where(Movie.id == movie_id).scalar_subquery()
    noted = update(Prospect).where(Prospect.movie_id == movie_id)
    await session.execute(noted.values(popularity=current, renewed_at=func.now()))
    await session.execute(delete(Affinity).where(Affinity.movie_id == movie_id))
    limits = {"tickets": MOST_TICKETS, "films": MOST_FILMS_EACH, "sources": MOST_SOURCES}
    await session.execute(DRAW, {"movie_id": movie_id, **limits})


# Tickets stand for viewers where all of them would have to be counted.
DRAW = text("""
    WITH viewer AS MATERIALIZED (
        SELECT DISTINCT user_id FROM (
            SELECT user_id FROM visit
            WHERE movie_id = :movie_id AND user_id IS NOT NULL AND NOT voided
            ORDER BY ticket_id DESC LIMIT :tickets) AS ticket
        WHERE NOT EXISTS (
            SELECT FROM rating WHERE rating.user_id = ticket.user_id AND movie_id = :movie_id AND stars <= 2)
    ), source AS (
        SELECT seen.movie_id, count(*) AS together
        FROM viewer CROSS JOIN LATERAL (
            SELECT DISTINCT movie_id FROM visit
            WHERE visit.user_id = viewer.user_id AND NOT voided AND movie_id IS NOT NULL
            ORDER BY movie_id DESC LIMIT :films) AS seen
        WHERE seen.movie_id <> :movie_id AND NOT EXISTS (
            SELECT FROM rating
            WHERE rating.user_id = viewer.user_id AND rating.movie_id = seen.movie_id AND stars <= 2)
        GROUP BY seen.movie_id ORDER BY together DESC, seen.movie_id LIMIT :sources
    )
    INSERT INTO affinity (source_id, movie_id, strength)
    SELECT source.movie_id, prospect.id, least(1, together / (4.0 + (SELECT count(*) FROM viewer))
        * sqrt(greatest(1, prospect.popularity)::float / greatest(1, movie.popularity)))
    FROM source JOIN movie ON movie.id = source.movie_id, movie AS prospect
    WHERE prospect.id = :movie_id AND EXISTS (SELECT FROM prospect AS listed WHERE listed.movie_id = :movie_id)
""")
