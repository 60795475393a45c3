"""Giving a booking back: by its customer under the policy, by a manager for a reason."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.shared.auth import Forbidden, Principal, Role
from services.shared.db import settings_of
from services.shared.errors import ValidationFailed
from services.ticketing.booking.pay import COUNTER
from services.ticketing.commands.effects import Occasion
from services.ticketing.commands.refunds import Wish
from services.ticketing.errors import (
    NotRefundable,
    OrderInProgress,
    OrderNotFound,
    PaymentDisputed,
    RefundTooLarge,
    RefundWindowClosed,
    TicketUsed,
)
from services.ticketing.models import Order, OrderStatus, Ticket, TicketStatus
from services.ticketing.queries import money, orders
from services.ticketing.saga import Trigger, advance

UNPAID = (OrderStatus.AWAITING_PAYMENT, OrderStatus.PAYING)


async def cancel(
    session: AsyncSession, user: Principal, booking_id: UUID, wish: Wish, labels: Sequence[str] | None
) -> Order:
    """The customer gives an order back, or some of its seats; again changes nothing.

    Raises OrderNotFound, OrderInProgress, PaymentDisputed, RefundWindowClosed, TicketUsed, ValidationFailed.
    """
    order = await orders.locked(session, booking_id)
    if order.user_id != user.id:
        raise OrderNotFound
    if order.status is OrderStatus.PAID:
        raise OrderInProgress("Your tickets are just being made. Please try again in a moment.")
    occasion = Occasion(cause=f"user {user.id}")
    if order.status in UNPAID:
        if labels is not None:
            raise ValidationFailed(errors=[{"pointer": "/body/seats", "message": "Before payment, cancel all of it."}])
        await advance(session, order, Trigger.CUSTOMER_CANCELS, occasion)
    elif order.status is OrderStatus.ISSUED:
        await give_back(session, order, wish, labels, occasion)
    return await orders.order(session, user, booking_id)


async def give_back(
    session: AsyncSession, order: Order, wish: Wish, labels: Sequence[str] | None, occasion: Occasion
) -> None:
    tickets = await chosen(session, order, labels)
    check_policy(order, tickets, settings_of(session).refund_hours)
    await refund_seats(session, order, tickets, wish, occasion)


def check_policy(order: Order, tickets: Sequence[Ticket], refund_hours: float) -> None:
    """Seats whose time to be given back is not over and that nobody sits in.

    Raises PaymentDisputed, RefundWindowClosed, TicketUsed.
    """
    if order.disputed_at is not None:
        raise PaymentDisputed
    closes_at = order.refundable_until(refund_hours)
    if datetime.now(UTC) >= closes_at:
        raise RefundWindowClosed(closed_at=closes_at)
    used = [ticket.label for ticket in tickets if ticket.status is TicketStatus.USED]
    if used:
        raise TicketUsed(used=used)


async def refund(
    session: AsyncSession,
    staff: Principal,
    booking_id: UUID,
    wish: Wish,
    labels: Sequence[str] | None,
) -> Order:
    """A manager gives money back, or the box office for what it sold: for seats, for all, or a sum as goodwill.

    Raises OrderNotFound, Forbidden, OrderInProgress, NotRefundable, PaymentDisputed, RefundTooLarge, ValidationFailed.
    """
    order = await orders.locked(session, booking_id)
    if not staff.may(Role.manager) and order.method not in COUNTER:
        raise Forbidden("The box office refunds what it has sold; for the rest ask a manager.")
    check_refundable(order)
    left = order.paid - await money.refunded(session, booking_id)
    if (wish.amount or 0) > left:
        raise RefundTooLarge(refundable=left)
    occasion = Occasion(cause=f"user {staff.id}")
    if wish.amount is not None and labels is None:
        await advance(session, order, Trigger.REFUND_PART, replace(occasion, wish=wish))
    else:
        await refund_seats(session, order, await chosen(session, order, labels), wish, occasion)
    return await orders.order(session, staff, booking_id)


def check_refundable(order: Order) -> None:
    """Raises OrderInProgress, NotRefundable, PaymentDisputed."""
    if order.status is OrderStatus.PAID:
        raise OrderInProgress(order_status=order.status)
    if order.status is not OrderStatus.ISSUED:
        raise NotRefundable(order_status=order.status)
    if order.disputed_at is not None:
        raise PaymentDisputed


async def chosen(session: AsyncSession, order: Order, labels: Sequence[str] | None) -> list[Ticket]:
    """The live tickets of these seats, or all. Raises ValidationFailed for a seat without one."""
    live = select(Ticket).where(Ticket.booking_id == order.booking_id, Ticket.status != TicketStatus.VOID)
    return named(list(await session.scalars(live.order_by(Ticket.seat_no).with_for_update())), labels)


def named(tickets: list[Ticket], labels: Sequence[str] | None) -> list[Ticket]:
    """Those of these seats, or all. Raises ValidationFailed for a seat that has none."""
    if labels is None:
        return tickets
    unknown = sorted(set(labels) - {ticket.label for ticket in tickets})
    if unknown:
        message = f"No live ticket of this order: {', '.join(unknown)}."
        raise ValidationFailed(errors=[{"pointer": "/body/seats", "message": message}])
    return [ticket for ticket in tickets if ticket.label in labels]


async def refund_seats(
    session: AsyncSession, order: Order, tickets: Sequence[Ticket], wish: Wish, occasion: Occasion
) -> None:
    """With the last live seats the whole order ends, and all that is left of its price goes back."""
    live = await chosen(session, order, None)
    seats = [ticket.label for ticket in tickets]
    if len(tickets) == len(live):
        await advance(session, order, Trigger.REFUND_ALL, replace(occasion, wish=replace(wish, seats=seats)))
        return
    amount = sum(ticket.cost for ticket in tickets) if wish.amount is None else wish.amount
    part = replace(wish, amount=amount, seats=seats)
    seat_nos = tuple(ticket.seat_no for ticket in tickets)
    await advance(session, order, Trigger.REFUND_PART, replace(occasion, wish=part, seat_nos=seat_nos))
