"""What the catalog keeps of theaters."""

from typing import Any

from sqlalchemy import Date, cast, func, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.catalog.commands.announce import announce_changes
from services.catalog.models import Hall, Showtime, Theater
from services.catalog.words import normalise
from services.shared import events
from services.shared.db import fire_after_commit
from services.shared.events import HallClosed, HallLayoutPublished, TheaterChanged
from services.shared.messaging import NotYet

OUT_OF_SERVICE = "out_of_service"


async def keep_theater(session: AsyncSession, event: TheaterChanged) -> None:
    """Unless a later version has been seen."""
    values = columns(event.theater) | {"version": event.version, "archived": event.archived}
    new = insert(Theater).values(values)
    newer = new.on_conflict_do_update(index_elements=[Theater.id], set_=values, where=Theater.version < event.version)
    known = await session.get(Theater, event.theater.id)
    renamed = known is not None and event.theater != events.Theater.model_validate(known, from_attributes=True)
    if await session.scalar(newer.returning(Theater.id)) and renamed:
        await tell_showtimes(session, event.theater)


async def tell_showtimes(session: AsyncSession, theater: events.Theater) -> None:
    """Of the theater's name and zone, which the others keep with each showtime."""
    zone_date = cast(func.timezone(theater.timezone, Showtime.starts_at), Date)
    mine = Showtime.theater_id == theater.id
    await session.execute(update(Showtime).where(mine, Showtime.local_date != zone_date).values(local_date=zone_date))
    await announce_changes(session, mine)


async def keep_hall(session: AsyncSession, event: HallLayoutPublished) -> None:
    """Its newest layout; of the theater only that there is one, if TheaterChanged has not come yet."""
    theater = columns(event.theater) | {"version": 0, "archived": False}
    await session.execute(insert(Theater).values(theater).on_conflict_do_nothing())
    usable = [seat for seat in event.seats if OUT_OF_SERVICE not in seat.features]
    values = {
        "id": event.hall.id,
        "theater_id": event.theater.id,
        "name": event.hall.name,
        "layout_version": event.version,
        "capacity": len(usable),
        "categories": sorted({seat.category for seat in event.seats}),
    }
    new = insert(Hall).values(values)
    older = Hall.layout_version < event.version
    await session.execute(new.on_conflict_do_update(index_elements=[Hall.id], set_=values, where=older))
    fire_after_commit(session, event.hall.id)


def columns(theater: events.Theater) -> dict[str, Any]:
    return theater.model_dump() | {"city_key": normalise(theater.city)}


async def close_hall(session: AsyncSession, event: HallClosed) -> None:
    """No new showtimes in it. Raises NotYet."""
    closing = update(Hall).where(Hall.id == event.hall_id).values(closed_at=event.occurred_at).returning(Hall.id)
    if await session.scalar(closing) is None:
        raise NotYet(f"hall {event.hall_id}")
