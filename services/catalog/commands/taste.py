"""Watchlists, ratings, and what tickets say about who saw what."""

from datetime import timedelta
from operator import attrgetter
from uuid import UUID

from sqlalchemy import ColumnElement, delete, exists, func, literal, select, text, true, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.catalog import queries
from services.catalog.errors import NotSeenYet
from services.catalog.models import Erased, Movie, Rating, Showtime, Visit, Wish
from services.shared.events import TicketIssued, TicketVoided, UserErased

COUNTED_AT_ONCE = 1_000
# Longer than events are kept: no replay brings anybody back.
KEPT = timedelta(days=30)


async def watch(session: AsyncSession, user_id: UUID, movie_id: UUID) -> None:
    """Put a film on the user's watchlist. Raises MovieNotFound."""
    await queries.movie(session, movie_id)
    wish = select(literal(user_id), literal(movie_id)).where(~erased(user_id))
    await session.execute(insert(Wish).from_select(["user_id", "movie_id"], wish).on_conflict_do_nothing())


async def unwatch(session: AsyncSession, user_id: UUID, movie_id: UUID) -> None:
    """Raises MovieNotFound for a film that was not on the list because there is none."""
    gone = delete(Wish).where(Wish.user_id == user_id, Wish.movie_id == movie_id).returning(Wish.movie_id)
    if await session.scalar(gone) is None:
        await queries.movie(session, movie_id)


async def rate(session: AsyncSession, user_id: UUID, movie_id: UUID, stars: int) -> None:
    """1 to 5 stars, instead of those before. Raises MovieNotFound, NotSeenYet."""
    await queries.movie(session, movie_id)
    if not await queries.has_seen(session, user_id, movie_id):
        raise NotSeenYet
    new = insert(Rating).values(user_id=user_id, movie_id=movie_id, stars=stars)
    again = {"stars": stars, "replaced": Rating.stars, "rated_at": func.now()}
    given = new.on_conflict_do_update(index_elements=[Rating.user_id, Rating.movie_id], set_=again)
    replaced = (await session.execute(given.returning(Rating.replaced))).scalar_one()
    await add_stars(session, movie_id, stars - replaced, int(replaced == 0))


async def unrate(session: AsyncSession, user_id: UUID, movie_id: UUID) -> None:
    """Raises MovieNotFound for a film that was not rated because there is none."""
    gone = delete(Rating).where(Rating.user_id == user_id, Rating.movie_id == movie_id).returning(Rating.stars)
    stars = await session.scalar(gone)
    if stars is None:
        await queries.movie(session, movie_id)
    else:
        await add_stars(session, movie_id, -stars, -1)


async def add_stars(session: AsyncSession, movie_id: UUID, stars: int, ratings: int) -> None:
    """The last statement of its transaction, so that nobody waits long for the film's row."""
    if stars or ratings:
        mine = update(Movie).where(Movie.id == movie_id)
        await session.execute(mine.values(stars=Movie.stars + stars, ratings=Movie.ratings + ratings))


async def keep_visit(session: AsyncSession, event: TicketIssued) -> None:
    """Nothing, if it was voided before we heard of it."""
    who = select(literal(event.user_id)).where(~erased(event.user_id)).scalar_subquery()
    new = insert(Visit).values(
        ticket_id=event.ticket_id, showtime_id=event.showtime_id, movie_id=event.movie_id, user_id=who
    )
    if await session.scalar(new.on_conflict_do_nothing().returning(Visit.ticket_id)):
        await count_ticket(session, event.showtime_id, 1)


async def void_visit(session: AsyncSession, event: TicketVoided) -> None:
    """Also one whose TicketIssued has yet to come."""
    new = insert(Visit).values(ticket_id=event.ticket_id, showtime_id=event.showtime_id, voided=True)
    once = new.on_conflict_do_update(
        index_elements=[Visit.ticket_id], set_={"voided": True}, where=Visit.voided.is_(False)
    )
    if await session.scalar(once.returning(Visit.movie_id)):
        await count_ticket(session, event.showtime_id, -1)


async def count_ticket(session: AsyncSession, showtime_id: UUID, count: int) -> None:
    mine = update(Showtime).where(Showtime.id == showtime_id)
    await session.execute(mine.values(tickets_issued=Showtime.tickets_issued + count))


async def count_visits(session: AsyncSession) -> int:
    """Bring the films' popularity up to date; returns how many visits were counted, COUNTED_AT_ONCE if more may wait.

    Together and by the clock, since each ticket would rewrite its film's row with all of its index entries.
    """
    return int((await session.execute(COUNT, {"limit": COUNTED_AT_ONCE})).scalar_one())


async def forget_user(session: AsyncSession, event: UserErased) -> None:
    """Films keep their popularity and lose the user's stars."""
    await session.execute(insert(Erased).values(user_id=event.user_id).on_conflict_do_nothing())
    await forget_traces(session, Erased.user_id == event.user_id)


async def forget_latecomers(session: AsyncSession) -> None:
    """What came at the same moment as an erasure; and, after 30 days, who was erased."""
    await forget_traces(session, true())
    await session.execute(delete(Erased).where(Erased.erased_at < func.now() - KEPT))


async def forget_traces(session: AsyncSession, which: ColumnElement[bool]) -> None:
    theirs = select(Erased.user_id).where(which)
    await session.execute(update(Visit).where(Visit.user_id.in_(theirs)).values(user_id=None))
    await session.execute(delete(Wish).where(Wish.user_id.in_(theirs)))
    gone = delete(Rating).where(Rating.user_id.in_(theirs)).returning(Rating.movie_id, Rating.stars)
    for movie_id, stars in sorted((await session.execute(gone)).all(), key=attrgetter("movie_id")):
        await add_stars(session, movie_id, -stars, -1)


def erased(user_id: UUID) -> ColumnElement[bool]:
    return exists().where(Erased.user_id == user_id)


# Films in the order of their ids, as wherever several are locked.
COUNT = text("""
    WITH turned AS (
        UPDATE visit SET counted = NOT counted
        WHERE ticket_id IN (SELECT ticket_id FROM visit WHERE counted = voided LIMIT :limit) AND counted = voided
        RETURNING movie_id, CASE WHEN counted THEN 1 ELSE -1 END AS ticket
    ), change AS (
        SELECT movie_id, sum(ticket) AS tickets FROM turned GROUP BY movie_id HAVING sum(ticket) <> 0
    ), locked AS (
        SELECT id FROM movie WHERE id IN (SELECT movie_id FROM change) ORDER BY id FOR NO KEY UPDATE
    ), counted AS (
        UPDATE movie SET popularity = popularity + tickets
        FROM change JOIN locked ON locked.id = movie_id WHERE movie.id = movie_id
    )
    SELECT count(*) FROM turned
""")
