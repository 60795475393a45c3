"""What is asked of theaters."""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Float, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload

from services.shared.paging import Paging, Rows, page
from services.theaters.errors import HallNotFound, LayoutNotFound, TheaterNotFound
from services.theaters.models import Hall, Layout, Theater

EARTH_DIAMETER_KM = 2 * 6371.0088
NOWHERE_KM = 1e6


class Point(NamedTuple):
    """Degrees, WGS 84."""

    latitude: float
    longitude: float


async def theaters(session: AsyncSession, place: Paging, near: Point | None) -> Rows[Theater]:
    """Those that are not archived: by name, or from `near` outwards."""
    listed = select(Theater).where(Theater.archived_at.is_(None)).options(selectinload(Theater.halls))
    first: ColumnElement[float] | ColumnElement[str] = kilometres_from(near) if near else Theater.name.expression
    return await page(session, listed, place, first, Theater.id)


def kilometres_from(point: Point) -> ColumnElement[float]:
    """Great-circle distance by the haversine formula; theaters without a position come last."""
    north = func.sin(func.radians(Theater.latitude - point.latitude) / 2)
    east = func.sin(func.radians(Theater.longitude - point.longitude) / 2)
    shrink = func.cos(func.radians(Theater.latitude)) * func.cos(func.radians(point.latitude))
    angle = func.asin(func.sqrt(func.least(1, north * north + shrink * east * east)))
    return func.coalesce(cast(angle * EARTH_DIAMETER_KM, Float(53)), NOWHERE_KM)


async def theater(session: AsyncSession, theater_id: UUID) -> Theater:
    """With its open halls. Raises TheaterNotFound, also if it is archived."""
    open_ = select(Theater).where(Theater.id == theater_id, Theater.archived_at.is_(None))
    found = await session.scalar(
        open_.options(selectinload(Theater.halls)), execution_options={"populate_existing": True}
    )
    if found is None:
        raise TheaterNotFound
    return found


async def hall(session: AsyncSession, hall_id: UUID) -> Hall:
    """With its theater; also a closed one, since showtimes may be left in it. Raises HallNotFound."""
    found = await session.get(Hall, hall_id, options=[joinedload(Hall.theater)])
    if found is None:
        raise HallNotFound
    return found


async def layout(session: AsyncSession, hall_id: UUID, version: int) -> Layout:
    """Raises LayoutNotFound."""
    found = await session.get(Layout, (hall_id, version))
    if found is None:
        raise LayoutNotFound
    return found
