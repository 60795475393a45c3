"""The ledger's chain of hashes: its newest part in each sweep, and the rest of it stretch by stretch."""

from typing import cast

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.shared.audit import Found, Values
from services.ticketing import chain
from services.ticketing.models import LedgerEntry, LedgerSeal
from services.ticketing.queries.ledger import fault


async def broken_seals(session: AsyncSession, values: Values) -> Found:
    recent, low, high = (values[f"ledger_seal_{bound}"] for bound in ("recent", "low", "high"))
    found = await broken_after(session, recent, None)
    return found + await broken_after(session, low, high) if low < high else found


async def broken_after(session: AsyncSession, first: int, last: int | None) -> list[tuple[str, str]]:
    """All that is wrong behind seal `first`, which only says what the next one is chained to."""
    # Columns, since making thousands of entities would hold up whatever else the process does.
    query = select(LedgerSeal.__table__, LedgerEntry.__table__).outerjoin(
        LedgerEntry, LedgerEntry.id == LedgerSeal.entry_id
    )
    stretch = query.where(LedgerSeal.number >= first).order_by(LedgerSeal.number)
    rows = await session.execute(stretch if last is None else stretch.where(LedgerSeal.number <= last))
    number, previous = (0, chain.FIRST) if first == 0 else (first - 1, None)
    found = []
    for row in rows:
        seal, entry = cast("LedgerSeal", row), cast("LedgerEntry", row) if row.cause else None
        problem = fault(seal, entry, number + 1, previous) if previous else None
        if problem is not None:
            subject = entry.booking_id or entry.cause if entry else f"ledger entry {seal.entry_id}"
            found.append((str(subject), f"seal {seal.number}: {problem}"))
        number, previous = seal.number, seal.hash
    return found
