"""The books: double entry, append-only, sealed by a chain of hashes.

For each booking the entries sum to zero, and once nothing is owed any more the customer's account does so too.
"""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.shared.jobs import Work
from services.ticketing import chain
from services.ticketing.models import Account, LedgerEntry, LedgerSeal, LedgerUnsealed, Method, Order, Refund, RefundTo

SEALS_AT_ONCE = 1000

# Where a payment's money is, and where a refund's comes from.
PAID_INTO = {
    Method.CARD: Account.CLEARING,
    Method.COINS: Account.COINS,
    Method.CASH: Account.TILL,
    Method.TERMINAL: Account.TILL,
}
PAID_FROM = {
    RefundTo.CARD: Account.CLEARING,
    RefundTo.COINS: Account.COINS,
    RefundTo.CASH: Account.TILL,
    RefundTo.TERMINAL: Account.TILL,
}


async def record(
    session: AsyncSession, booking_id: UUID | None, cause: str, currency: str, sides: Mapping[Account, int]
) -> None:
    """Post the sides of one happening, debits positive, in minor units; a second time for `cause` changes nothing.

    Raises ValueError if they do not sum to zero.
    """
    if sum(sides.values()):
        raise ValueError(f"{cause}: the sides must sum to zero, not {dict(sides)}")
    rows = [
        {"booking_id": booking_id, "cause": cause, "account": account, "amount": amount, "currency": currency}
        for account, amount in sides.items()
        if amount
    ]
    if rows:
        entries = insert(LedgerEntry).values(rows).on_conflict_do_nothing(index_elements=["cause", "account"])
        new = entries.returning(LedgerEntry.id).cte("new")
        await session.execute(insert(LedgerUnsealed).from_select(["entry_id"], select(new.c.id)))


async def received(
    session: AsyncSession, booking_id: UUID, cause: str, amount: int, currency: str, method: Method
) -> None:
    """A customer's money has come; we owe seats for it, or the money."""
    if method is not Method.FREE:
        sides = {PAID_INTO[method]: amount, Account.CUSTOMER: -amount}
        await record(session, booking_id, f"received:{cause}", currency, sides)


async def sold(session: AsyncSession, order: Order) -> None:
    sides = {Account.CUSTOMER: order.paid, Account.REVENUE: -order.paid}
    await record(session, order.booking_id, f"sold:{order.booking_id}", order.currency, sides)


async def owed(session: AsyncSession, refund: Refund) -> None:
    """Revenue is given up. A payment that never became revenue is owed since it came."""
    if refund.sold:
        sides = {Account.REFUNDS: refund.amount, Account.CUSTOMER: -refund.amount}
        await record(session, refund.booking_id, f"owed:{refund.id}", refund.currency, sides)


async def returned(session: AsyncSession, refund: Refund) -> None:
    """The money is back; `tries` tells a second one from one that came back to us."""
    sides = {Account.CUSTOMER: refund.amount, PAID_FROM[refund.to]: -refund.amount}
    await record(session, refund.booking_id, f"returned:{refund.id}:{refund.tries}", refund.currency, sides)


async def bounced(session: AsyncSession, refund: Refund) -> None:
    """A refund that had been done came back from the bank: we owe it again."""
    sides = {PAID_FROM[refund.to]: refund.amount, Account.CUSTOMER: -refund.amount}
    await record(session, refund.booking_id, f"bounced:{refund.id}:{refund.tries}", refund.currency, sides)


async def seal(work: Work) -> None:
    """Number and chain what has been committed, so that appending needs no global lock."""
    while await seal_some(work) == SEALS_AT_ONCE:
        pass


async def seal_some(work: Work) -> int:
    async with work.sessions.begin() as session:
        # Two sealers at once, for a moment after a lease has changed hands, would fork the chain.
        await session.execute(text("LOCK TABLE ledger_seal IN SHARE ROW EXCLUSIVE MODE"))
        due = select(LedgerEntry).join(LedgerUnsealed, LedgerUnsealed.entry_id == LedgerEntry.id)
        entries = (await session.scalars(due.order_by(LedgerEntry.id).limit(SEALS_AT_ONCE))).all()
        last = await session.scalar(select(LedgerSeal).order_by(LedgerSeal.number.desc()).limit(1))
        number, previous = (last.number, last.hash) if last else (0, chain.FIRST)
        for entry in entries:
            number += 1
            previous = chain.link(previous, number, entry)
            session.add(LedgerSeal(number=number, entry_id=entry.id, hash=previous))
        done = delete(LedgerUnsealed).where(LedgerUnsealed.entry_id.in_([entry.id for entry in entries]))
        await session.execute(done)
        return len(entries)
