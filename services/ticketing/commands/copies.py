"""Keeping our copies of users; older versions change nothing."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.shared.events import UserErased, UserFacts, UserVerified
from services.ticketing.commands import tickets, wallet
from services.ticketing.models import Customer, ErasedUser, Order, OrderStatus, Ticket

CUSTOMER = {"email", "full_name", "locale", "is_guest", "version"}


async def keep_customer(session: AsyncSession, event: UserFacts) -> None:
    await queue_up(session, event.user_id)
    if not event.email or await session.get(ErasedUser, event.user_id) is not None:
        return
    facts = event.model_dump(include=CUSTOMER) | {"is_verified": event.email_verified}
    new = insert(Customer).values(user_id=event.user_id, **facts)
    newer = new.on_conflict_do_update(
        index_elements=[Customer.user_id], set_=facts, where=Customer.version < event.version
    )
    customer = await session.scalar(newer.returning(Customer), execution_options={"populate_existing": True})
    if customer is not None:
        await tickets.name_holder(session, customer)


async def verify_customer(session: AsyncSession, event: UserVerified) -> None:
    """A verified mail address brings the welcome coins; a guest gets none."""
    await keep_customer(session, event)
    customer = await session.get(Customer, event.user_id)
    if customer is not None and not customer.is_guest:
        await wallet.welcome(session, event.user_id)


async def queue_up(session: AsyncSession, user_id: UUID) -> None:
    """What is told about one user is worked on one after the other: nobody is kept while being forgotten."""
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(str(user_id), 0))))


async def unpaid(session: AsyncSession, user_id: UUID) -> Sequence[UUID]:
    """The bookings that a user has not paid yet."""
    open_ = Order.status.in_((OrderStatus.AWAITING_PAYMENT, OrderStatus.PAYING))
    theirs = select(Order.booking_id).where(Order.user_id == user_id, open_)
    return (await session.scalars(theirs.order_by(Order.booking_id))).all()


async def forget_customer(session: AsyncSession, event: UserErased) -> None:
    """Keep no personal data: neither name nor address.

    The customer goes before the names on the tickets: whoever is issuing some holds the row, and we wait for them.
    """
    await queue_up(session, event.user_id)
    await session.execute(insert(ErasedUser).values(user_id=event.user_id).on_conflict_do_nothing())
    await session.execute(delete(Customer).where(Customer.user_id == event.user_id))
    await session.execute(update(Ticket).where(Ticket.user_id == event.user_id).values(holder_name=""))
