"""What the others learn of showtimes."""

from typing import Any

from sqlalchemy import ColumnElement
from sqlalchemy.ext.asyncio import AsyncSession

from services.catalog import queries
from services.catalog.models import Showtime
from services.shared import events
from services.shared.events import ShowtimeChanged
from services.shared.messaging import publish


def facts(showtime: Showtime) -> dict[str, Any]:
    """The fields of ShowtimeScheduled and ShowtimeChanged. The showtime's film, theater and hall are loaded."""
    hall = events.Hall(id=showtime.hall_id, name=showtime.hall.name, layout_version=showtime.layout_version)
    same = ("version", "capacity", "starts_at", "ends_at", "sales_close_at", "format", "language", "subtitles")
    return {name: getattr(showtime, name) for name in same} | {
        "showtime_id": showtime.id,
        "film": queries.film_fact(showtime.movie),
        "theater": queries.theater_fact(showtime.theater),
        "hall": hall,
        "prices": [events.Price.model_validate(price) for price in showtime.prices],
        "single_seat_rule": showtime.single_seat_rule,
    }


async def announce_changes(session: AsyncSession, which: ColumnElement[bool]) -> None:
    """Tell the others of those to come, since something that they keep a copy of has changed."""
    upcoming = queries.complete().where(which, *queries.upcoming()).order_by(Showtime.id)
    locked = upcoming.with_for_update(of=Showtime).execution_options(populate_existing=True)
    for showtime in await session.scalars(locked):
        showtime.version += 1
        publish(session, ShowtimeChanged(**facts(showtime)))
