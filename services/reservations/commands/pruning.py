"""What is long over goes."""

from datetime import timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.reservations.models import Claim, Hold, MapVersion, Showtime, Slot, Ticket

KEPT = timedelta(days=30)
SHOWTIMES_AT_ONCE = 50


async def prune(session: AsyncSession) -> int:
    """Delete all there is of showtimes that ended 30 days ago, some at a time; returns how many showtimes."""
    over = select(Showtime.id).where(Showtime.ends_at < func.now() - KEPT).limit(SHOWTIMES_AT_ONCE)
    ids = (await session.scalars(over)).all()
    if not ids:
        return 0
    for table in (Claim, Hold, Slot, Ticket, MapVersion):
        await session.execute(delete(table).where(table.showtime_id.in_(ids)))
    gone = await session.execute(delete(Showtime).where(Showtime.id.in_(ids)))
    return cast("CursorResult[Any]", gone).rowcount
