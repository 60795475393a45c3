"""Paying: by card in three transactions around the call to Stripe, by anything else in one."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.shared.auth import Forbidden, Principal, Role
from services.shared.db import Sessions, arrived, settings_of
from services.ticketing.booking import agreement, intents
from services.ticketing.commands import wallet
from services.ticketing.commands.effects import Occasion
from services.ticketing.errors import (
    AlreadyPaid,
    AmountTooSmall,
    NotEnoughCoins,
    OrderExpired,
    OrderInProgress,
    OrderNotFound,
)
from services.ticketing.models import Intent, Method, Order, OrderStatus, Wallet
from services.ticketing.payments import SMALLEST_CHARGE, Payments
from services.ticketing.queries import money, orders
from services.ticketing.saga import Trigger, advance

COUNTER = (Method.CASH, Method.TERMINAL)
PAID = (
    OrderStatus.PAID,
    OrderStatus.ISSUED,
    OrderStatus.REFUNDING,
    OrderStatus.REFUNDED,
    OrderStatus.REFUND_FAILED,
)
# How often a live payment may get in the way of another method before we ask for patience.
TRIES = 3


async def pay(
    transactions: Sessions, payments: Payments, principal: Principal, booking_id: UUID, method: Method
) -> Order:
    """Pay, or begin to. The order's owner by card or coins, staff at the counter by cash or terminal.

    Raises OrderNotFound, OrderExpired, AlreadyPaid, NotEnoughCoins, AmountTooSmall, OrderInProgress, PaymentsAway.
    """
    if method in COUNTER and not principal.may(Role.staff):
        raise Forbidden("Only the box office takes cash and cards at its terminal.")
    order = await arrived(transactions, lambda session: session.get(Order, booking_id), booking_id, OrderNotFound)
    if method is Method.CARD and order.total:
        await pay_by_card(transactions, payments, principal, booking_id)
    else:
        await pay_at_once(transactions, payments, principal, booking_id, method)
    async with transactions.begin() as session:
        return await orders.order(session, principal, booking_id)


async def pay_by_card(transactions: Sessions, payments: Payments, principal: Principal, booking_id: UUID) -> None:
    """Afterwards the order has a client secret to confirm with; asking again gives the same one."""
    cause = f"user {principal.id}"
    async with transactions.begin() as session:
        order = await payable(session, principal, booking_id, Method.CARD)
        if order.total < SMALLEST_CHARGE:
            raise AmountTooSmall(minimum=SMALLEST_CHARGE)
        intent = await intents.wanted(session, order)
        if order.status is OrderStatus.AWAITING_PAYMENT:
            await advance(session, order, Trigger.PAYS_BY_CARD, Occasion(cause=cause, intent=intent))
    await agreement.ensure_agreed(transactions, payments, intent, cause)
    async with transactions.begin() as session:
        check_open(await orders.locked(session, booking_id))


async def pay_at_once(
    transactions: Sessions, payments: Payments, principal: Principal, booking_id: UUID, method: Method
) -> None:
    """First a card payment that was begun is cancelled, so that nobody pays twice."""
    cause = f"user {principal.id}"
    for _ in range(TRIES):
        async with transactions.begin() as session:
            order = await payable(session, principal, booking_id, method)
            if method is Method.CARD and order.total:
                raise OrderInProgress("The price has just changed. Please try again.")
            live = await money.live_intent(session, booking_id)
            await take(session, order, method, cause, live)
        if live is None:
            return
        await intents.cancel(transactions, payments, live, cause)
    raise OrderInProgress("A card payment for this order is just being processed. Please try again in a moment.")


async def take(session: AsyncSession, order: Order, method: Method, cause: str, live: Intent | None) -> None:
    """Take what is due and sell; with a card payment still alive, only see whether there is enough."""
    coins = wallet.coins_for(order.total, settings_of(session).coin_value) if method is Method.COINS else 0
    if live is not None:
        return await afford(session, order.user_id, coins)
    if coins:
        await wallet.spend(session, order.user_id, coins, order.booking_id)
    occasion = Occasion(cause=cause, method=method if order.total else Method.FREE)
    await advance(session, order, Trigger.PAYS_AT_ONCE, occasion)
    return None


async def afford(session: AsyncSession, user_id: UUID, coins: int) -> None:
    """Raises NotEnoughCoins."""
    purse = await session.get(Wallet, user_id)
    balance = purse.balance if purse else 0
    if balance < coins:
        raise NotEnoughCoins(balance=balance, needed=coins)


async def payable(session: AsyncSession, principal: Principal, booking_id: UUID, method: Method) -> Order:
    """The order, locked. Raises OrderNotFound, AlreadyPaid, OrderExpired."""
    order = await orders.locked(session, booking_id)
    if order.user_id != principal.id and method not in COUNTER:
        raise OrderNotFound
    check_open(order)
    if order.is_overdue:
        raise OrderExpired
    return order


def check_open(order: Order) -> None:
    """Raises AlreadyPaid, OrderExpired."""
    if order.status in PAID:
        raise AlreadyPaid(order_status=order.status)
    if not order.is_open:
        raise OrderExpired(order_status=order.status)
