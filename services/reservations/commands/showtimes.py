"""The copies of halls and showtimes. Whichever comes first, seats out of service are sold by none of them."""

from uuid import UUID

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.reservations import kept_back
from services.reservations.models import Hall, Layout, Showtime, ShowtimeStatus
from services.shared.db import fire_after_commit, settings_of
from services.shared.events import HallLayoutPublished, ShowtimeCancelled, ShowtimeFacts
from services.shared.messaging import NotYet

FACTS = {"film", "theater", "hall", "starts_at", "format", "language"}


async def keep_layout(session: AsyncSession, event: HallLayoutPublished) -> None:
    seats_in_hall = [seat.model_dump(mode="json") for seat in event.seats]
    layout = {"hall_id": event.hall.id, "version": event.hall.layout_version, "seats": seats_in_hall}
    await session.execute(insert(Layout).values(**layout).on_conflict_do_nothing())
    await lock_hall(session, event.hall.id, event.hall.layout_version)
    await kept_back.follow_hall(session, event.hall.id)


async def lock_hall(session: AsyncSession, hall_id: UUID, layout_version: int = 0) -> None:
    """Let layouts and showtimes of a hall come one after the other, and remember the newest version."""
    new = insert(Hall).values(id=hall_id, layout_version=layout_version)
    newest = func.greatest(Hall.layout_version, new.excluded.layout_version)
    await session.execute(new.on_conflict_do_update(index_elements=[Hall.id], set_={"layout_version": newest}))


async def keep_showtime(session: AsyncSession, event: ShowtimeFacts) -> None:
    """Older than what is known: ignored. Holds wait for the new version, see offers.Offers."""
    values = {
        "version": event.version,
        "hall_id": event.hall.id,
        "layout_version": event.hall.layout_version,
        "capacity": event.capacity,
        "ends_at": event.ends_at,
        "sales_close_at": event.sales_close_at,
        "single_seat_rule": event.single_seat_rule,
        "currency": event.prices[0].currency if event.prices else settings_of(session).currency,
        "prices": [price.model_dump(mode="json") for price in event.prices],
        "facts": event.model_dump(mode="json", include=FACTS),
    }
    new = insert(Showtime).values(id=event.showtime_id, **values)
    newer = new.on_conflict_do_update(index_elements=[Showtime.id], set_=values, where=Showtime.version < event.version)
    await session.execute(newer)
    await lock_hall(session, event.hall.id)
    await kept_back.follow_hall(session, event.hall.id, event.showtime_id)
    fire_after_commit(session, event.showtime_id)


async def cancel_showtime(session: AsyncSession, event: ShowtimeCancelled) -> None:
    """Sales stop for good, whatever version comes later; ticketing gives the money back. Raises NotYet."""
    showtime = await session.get(Showtime, event.showtime_id, with_for_update=True)
    if showtime is None:
        raise NotYet(f"showtime {event.showtime_id}")
    showtime.status = ShowtimeStatus.cancelled
