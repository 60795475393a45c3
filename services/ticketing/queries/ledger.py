"""The books, read and checked."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncResult, AsyncSession

from services.shared.paging import Paging, Rows, page
from services.ticketing import chain
from services.ticketing.models import LedgerEntry, LedgerSeal

AT_ONCE = 5000


@dataclass(frozen=True)
class Verdict:
    """`first_bad` is the number of the first entry whose seal does not fit, `problem` says what is wrong with it."""

    entries: int
    sealed: int
    unsealed: int
    valid: bool
    first_bad: int | None = None
    problem: str | None = None


async def entries(session: AsyncSession, booking_id: UUID | None, place: Paging) -> Rows[LedgerEntry]:
    """Oldest first; of one booking or all."""
    query = select(LedgerEntry)
    if booking_id is not None:
        query = query.where(LedgerEntry.booking_id == booking_id)
    return await page(session, query, place, LedgerEntry.id)


async def verify(session: AsyncSession) -> Verdict:
    """Walk the chain from its beginning. What was committed within the last second may not be sealed yet."""
    total = await session.scalar(select(func.count()).select_from(LedgerEntry)) or 0
    pairs = (
        select(LedgerSeal, LedgerEntry)
        .outerjoin(LedgerEntry, LedgerEntry.id == LedgerSeal.entry_id)
        .order_by(LedgerSeal.number)
        .execution_options(yield_per=AT_ONCE)
    )
    rows = await session.stream(pairs)
    try:
        return await judge(rows, total)
    finally:
        await rows.close()


async def judge(rows: AsyncResult[LedgerSeal, LedgerEntry | None], total: int) -> Verdict:
    previous, number = chain.FIRST, 0
    async for seal, entry in rows:
        number += 1
        problem = fault(seal, entry, number, previous)
        if problem is not None:
            return Verdict(total, number - 1, total - number + 1, valid=False, first_bad=number, problem=problem)
        previous = seal.hash
    return Verdict(total, number, total - number, valid=True)


def fault(seal: LedgerSeal, entry: LedgerEntry | None, number: int, previous: bytes) -> str | None:
    if seal.number != number:
        return "a seal is missing"
    if entry is None:
        return "the entry is missing"
    if chain.link(previous, number, entry) != seal.hash:
        return "the entry is not what was sealed"
    return None
