"""Mails about orders: each for one cause, and once, if the caller's transaction commits. `writing` writes them."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.shared.db import fire_after_commit
from services.shared.ids import new_id
from services.ticketing.models import Letter, LetterKind, Order, Refund, RefundCause

SIGNAL = "letters"


async def order_issued(session: AsyncSession, order: Order) -> None:
    """The tickets, and the receipt where money was paid."""
    await tickets_issued(session, order)
    if order.paid:
        await post(session, order, LetterKind.RECEIPT)


async def tickets_issued(session: AsyncSession, order: Order, again: str | None = None) -> None:
    """The tickets as QR codes and on paper. `again` tells one time that somebody asks for them from the next."""
    await post(session, order, LetterKind.TICKETS, again)


async def order_refunded(session: AsyncSession, order: Order, refund: Refund) -> None:
    """Money has gone back: all of it, or for some seats.

    Who was told that a showtime is cancelled knows it already, unless the first try failed.
    """
    if refund.cause is RefundCause.SHOWTIME_CANCELLED and refund.tries == 1:
        return
    await post(session, order, LetterKind.REFUND, refund.id, refund=str(refund.id))


async def showtime_cancelled(session: AsyncSession, order: Order, refund: Refund | None, reason: str) -> None:
    """The cinema does not show the film, and what happens to the money. `refund` is None where nothing was paid."""
    facts = {"refund": str(refund.id) if refund else None, "reason": reason}
    await post(session, order, LetterKind.CANCELLED, **facts)


async def showtime_moved(
    session: AsyncSession, order: Order, was: Mapping[str, Any], version: int, reason: str
) -> None:
    """Another time or place, once for each `version` of the showtime. `was` is what the order showed before."""
    await post(session, order, LetterKind.MOVED, version, was=was, reason=reason)


async def showtime_near(session: AsyncSession, order: Order) -> None:
    """The film is soon; once for each time that it starts at."""
    await post(session, order, LetterKind.REMINDER, order.starts_at.isoformat())


async def post(session: AsyncSession, order: Order, kind: LetterKind, which: object = None, **facts: Any) -> None:
    """Have a letter written; `which` tells it from others of its kind about the same order."""
    cause = ":".join(str(part) for part in (kind, order.booking_id, which) if part is not None)
    new = insert(Letter).values(id=new_id(), cause=cause, booking_id=order.booking_id, kind=kind, facts=facts)
    await session.execute(new.on_conflict_do_nothing(index_elements=[Letter.cause]))
    fire_after_commit(session, SIGNAL)
