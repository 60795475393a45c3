"""A promo code on an order that is not paid yet, and off it again; a card payment that was begun follows."""

from collections.abc import Awaitable, Callable
from functools import partial
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.shared.auth import Principal
from services.shared.db import Sessions, arrived
from services.ticketing.booking.agreement import ensure_agreed
from services.ticketing.booking.pay import TRIES, check_open, payable
from services.ticketing.commands import promos
from services.ticketing.errors import OrderInProgress, OrderNotFound
from services.ticketing.models import Intent, IntentStatus, Method, Order
from services.ticketing.payments import Payments
from services.ticketing.queries import money, orders

Change = Callable[[AsyncSession, Order], Awaitable[None]]


async def apply(transactions: Sessions, payments: Payments, principal: Principal, booking_id: UUID, code: str) -> Order:
    """Make the order cheaper, instead of by any other code.

    Raises PromoNotValid, OrderNotFound, OrderExpired, AlreadyPaid, OrderInProgress, PaymentsAway.
    """
    return await reprice(transactions, payments, principal, booking_id, partial(promos.put_on, code=code))


async def remove(transactions: Sessions, payments: Payments, principal: Principal, booking_id: UUID) -> Order:
    """Back to the full price. Raises OrderNotFound, OrderExpired, AlreadyPaid, OrderInProgress, PaymentsAway."""
    return await reprice(transactions, payments, principal, booking_id, promos.take_off)


async def reprice(
    transactions: Sessions, payments: Payments, principal: Principal, booking_id: UUID, change: Change
) -> Order:
    await arrived(transactions, lambda session: session.get(Order, booking_id), booking_id, OrderNotFound)
    for _ in range(TRIES):
        async with transactions.begin() as session:
            order = await payable(session, principal, booking_id, Method.CARD)
            live = await money.live_intent(session, booking_id)
            changed = can_follow(order, live)
            if changed:
                await change(session, order)
                ask_anew(order, live)
        if live is not None:
            await ensure_agreed(transactions, payments, live, f"user {principal.id}")
        if changed:
            break
    else:
        raise OrderInProgress("The price is just being changed. Please try again in a moment.")
    async with transactions.begin() as session:
        check_open(await orders.locked(session, booking_id))
        return await orders.order(session, principal, booking_id)


def can_follow(order: Order, live: Intent | None) -> bool:
    """Whether Stripe knows the present price, so that it can be told the next. Raises OrderInProgress."""
    if live is None:
        return True
    if live.status is IntentStatus.PROCESSING:
        raise OrderInProgress("A card payment is just being processed. Please try again in a moment.")
    return live.stripe_id is not None and live.amount == order.total


def ask_anew(order: Order, live: Intent | None) -> None:
    """Another amount is another question, which needs an idempotency key of its own."""
    if live is not None and live.amount != order.total:
        live.key_number += 1
