"""What changes in theaters. Each takes the `id` of what it makes, so that making it again changes nothing."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.shared import events
from services.shared.events import HallClosed, HallLayoutPublished, LayoutSeat, TheaterChanged
from services.shared.ids import new_id
from services.shared.messaging import publish
from services.theaters import queries
from services.theaters.errors import HallNotFound, SeatNotFound, StaleVersion, TheaterNotFound
from services.theaters.models import Hall, Layout, Theater

OUT_OF_SERVICE = "out_of_service"


async def create_theater(session: AsyncSession, id: UUID | None = None, **facts: Any) -> Theater:  # noqa: A002
    """`facts`: name, city, address, timezone (IANA), latitude, longitude (degrees), amenities."""
    theater_id = id or new_id()
    new = insert(Theater).values(id=theater_id, **facts).on_conflict_do_nothing().returning(Theater)
    if theater := await session.scalar(new):
        announce(session, theater)
    return await queries.theater(session, theater_id)


async def change_theater(session: AsyncSession, theater_id: UUID, changes: dict[str, Any]) -> Theater:
    """Raises TheaterNotFound."""
    if changes:
        await _change(session, theater_id, **changes)
    return await queries.theater(session, theater_id)


async def archive_theater(session: AsyncSession, theater_id: UUID) -> None:
    """No longer listed, and no new showtimes in its halls. Raises TheaterNotFound."""
    await _change(session, theater_id, archived_at=func.now())
    closing = update(Hall).where(Hall.theater_id == theater_id).values(closed_at=func.now()).returning(Hall.id)
    for hall_id in await session.scalars(closing):
        publish(session, HallClosed(hall_id=hall_id, theater_id=theater_id))


async def _change(session: AsyncSession, theater_id: UUID, **values: Any) -> None:
    mine = update(Theater).where(Theater.id == theater_id, Theater.archived_at.is_(None))
    theater = await session.scalar(mine.values(version=Theater.version + 1, **values).returning(Theater))
    if theater is None:
        raise TheaterNotFound
    announce(session, theater)


async def add_hall(
    session: AsyncSession,
    theater_id: UUID,
    name: str,
    seats: Sequence[LayoutSeat],
    id: UUID | None = None,  # noqa: A002
) -> Hall:
    """All seats or nothing. Raises TheaterNotFound."""
    # Locked: a hall that is added while its theater is being archived would stay open for ever.
    open_ = select(Theater.id).where(Theater.id == theater_id, Theater.archived_at.is_(None))
    if await session.scalar(open_.with_for_update(read=True)) is None:
        raise TheaterNotFound
    hall_id = id or new_id()
    values = {"id": hall_id, "theater_id": theater_id, "name": name, "capacity": in_service(seats)}
    made = await session.scalar(insert(Hall).values(values).on_conflict_do_nothing().returning(Hall.id))
    hall = await queries.hall(session, hall_id)
    if made:
        add_layout(session, hall, seats)
    return hall


async def replace_layout(
    session: AsyncSession, hall_id: UUID, seats: Sequence[LayoutSeat], versions: frozenset[int] | None
) -> Hall:
    """A new version, for later showtimes; those that are scheduled keep theirs. It says anew which seats are out of
    service.

    `versions`: those the caller may have seen, None for any. Raises HallNotFound, StaleVersion.
    """
    hall = await lock_hall(session, hall_id)
    if versions is not None and hall.layout_version not in versions:
        raise StaleVersion(layout_version=hall.layout_version)
    renew_layout(session, hall, seats)
    return hall


async def set_out_of_service(session: AsyncSession, hall_id: UUID, label: str, *, out: bool) -> Hall:
    """A new version, unless the seat is already so. Raises HallNotFound, SeatNotFound."""
    hall = await lock_hall(session, hall_id)
    layout = await queries.layout(session, hall_id, hall.layout_version)
    seats = [LayoutSeat.model_validate(seat) for seat in layout.seats]
    marked = [mark(seat, out=out) if seat.label == label else seat for seat in seats]
    if all(seat.label != label for seat in seats):
        raise SeatNotFound
    if marked != seats:
        renew_layout(session, hall, marked)
    return hall


async def lock_hall(session: AsyncSession, hall_id: UUID) -> Hall:
    """Raises HallNotFound, also if it is closed."""
    open_ = select(Hall.id).where(Hall.id == hall_id, Hall.closed_at.is_(None)).with_for_update()
    if await session.scalar(open_) is None:
        raise HallNotFound
    return await queries.hall(session, hall_id)


def renew_layout(session: AsyncSession, hall: Hall, seats: Sequence[LayoutSeat]) -> None:
    hall.layout_version += 1
    hall.capacity = in_service(seats)
    add_layout(session, hall, seats)


def add_layout(session: AsyncSession, hall: Hall, seats: Sequence[LayoutSeat]) -> None:
    """The hall's current version, for the others too."""
    rows = [seat.model_dump() for seat in seats]
    session.add(Layout(hall_id=hall.id, version=hall.layout_version, seats=rows))
    published = HallLayoutPublished(
        version=hall.layout_version,
        theater=fact(hall.theater),
        hall=events.Hall(id=hall.id, name=hall.name, layout_version=hall.layout_version),
        seats=list(seats),
    )
    publish(session, published)


def mark(seat: LayoutSeat, *, out: bool) -> LayoutSeat:
    others = [feature for feature in seat.features if feature != OUT_OF_SERVICE]
    return seat.model_copy(update={"features": [*others, OUT_OF_SERVICE] if out else others})


def in_service(seats: Iterable[LayoutSeat]) -> int:
    return sum(OUT_OF_SERVICE not in seat.features for seat in seats)


def announce(session: AsyncSession, theater: Theater) -> None:
    archived = theater.archived_at is not None
    publish(session, TheaterChanged(version=theater.version, theater=fact(theater), archived=archived))


def fact(theater: Theater) -> events.Theater:
    return events.Theater(id=theater.id, name=theater.name, city=theater.city, timezone=theater.timezone)
