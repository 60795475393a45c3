"""What is long over goes, some at a time: each returns how many things it has removed, 0 when there are no more."""

from datetime import timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, delete, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from services.reservations.commands.tickets import blank_names
from services.reservations.models import Claim, Erased, Hold, Layout, MapVersion, Showtime, Slot, Ticket

# Longer than events are kept: what goes here, no replay brings back.
KEPT = timedelta(days=30)
SHOWTIMES_AT_ONCE = 50
ROWS_AT_ONCE = 500


async def prune_showtimes(session: AsyncSession) -> int:
    """All there is of showtimes that ended 30 days ago, their claims too: so a map's version never falls."""
    over = select(Showtime.id).where(Showtime.ends_at < func.now() - KEPT).limit(SHOWTIMES_AT_ONCE)
    ids = (await session.scalars(over)).all()
    if not ids:
        return 0
    for table in (Claim, Hold, Slot, Ticket, MapVersion):
        await session.execute(delete(table).where(table.showtime_id.in_(ids)))
    gone = await session.execute(delete(Showtime).where(Showtime.id.in_(ids)))
    return cast("CursorResult[Any]", gone).rowcount


async def prune_layouts(session: AsyncSession) -> int:
    """Layouts that no showtime uses and that were replaced 30 days ago: no new showtime will come with them."""
    newer = aliased(Layout)
    is_old = select(newer).where(
        newer.hall_id == Layout.hall_id, newer.version > Layout.version, newer.created_at < func.now() - KEPT
    )
    in_use = select(Showtime).where(Showtime.hall_id == Layout.hall_id, Showtime.layout_version == Layout.version)
    key = tuple_(Layout.hall_id, Layout.version)
    unused = select(Layout.hall_id, Layout.version).where(is_old.exists(), ~in_use.exists()).limit(ROWS_AT_ONCE)
    gone = await session.execute(delete(Layout).where(key.in_(unused)))
    return cast("CursorResult[Any]", gone).rowcount


async def forget_erased(session: AsyncSession) -> int:
    """Blank names that came at the same moment as the erasure, and forget after 30 days who was erased."""
    await blank_names(session, Ticket.user_id.in_(select(Erased.user_id)))
    gone = await session.execute(delete(Erased).where(Erased.erased_at < func.now() - KEPT))
    return cast("CursorResult[Any]", gone).rowcount


PRUNING = [prune_showtimes, prune_layouts, forget_erased]
