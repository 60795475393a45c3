"""What cancelling would give back, before anybody does it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.shared.auth import Principal
from services.shared.db import settings_of
from services.shared.errors import DomainError
from services.ticketing.booking.cancel import UNPAID, check_policy, named
from services.ticketing.commands.refunds import BACK, coins_back
from services.ticketing.errors import NotRefundable, OrderInProgress
from services.ticketing.models import Money, Order, OrderStatus, RefundTo, Ticket, TicketStatus
from services.ticketing.queries import money, orders


@dataclass(frozen=True)
class SeatQuote:
    label: str
    price: Money
    discount: Money
    refund: Money

    @classmethod
    def of(cls, ticket: Ticket) -> "SeatQuote":
        amounts = (ticket.amount, ticket.discount, ticket.cost)
        return cls(ticket.label, *(Money(amount, ticket.currency) for amount in amounts))


@dataclass(frozen=True)
class Quote:
    """`code` is what cancelling would be refused with; `to` begins with where the money goes by itself."""

    allowed: bool
    code: str | None
    until: datetime
    seats: list[SeatQuote]
    amount: Money
    coins: int
    to: list[RefundTo]


async def quote(session: AsyncSession, principal: Principal, booking_id: UUID, labels: Sequence[str] | None) -> Quote:
    """For the order's owner, or for staff. Raises OrderNotFound, ValidationFailed."""
    order = await orders.order(session, principal, booking_id)
    live = [ticket for ticket in order.tickets if ticket.status is not TicketStatus.VOID]
    tickets = named(live, labels)
    refund_hours = settings_of(session).refund_hours
    code = refusal(order, tickets, refund_hours)
    left = order.paid - await money.refunded(session, booking_id)
    amount = left if len(tickets) == len(live) else min(left, sum(ticket.cost for ticket in tickets))
    return Quote(
        allowed=code is None,
        code=code,
        until=order.expires_at if order.status in UNPAID else order.refundable_until(refund_hours),
        seats=[SeatQuote.of(ticket) for ticket in tickets],
        amount=Money(amount, order.currency),
        coins=await coins_back(session, booking_id, amount),
        to=ways_back(order) if amount else [],
    )


def refusal(order: Order, tickets: Sequence[Ticket], refund_hours: float) -> str | None:
    """The code that cancelling would be refused with now."""
    if order.status in UNPAID:
        return None
    if order.status is OrderStatus.PAID:
        return OrderInProgress.code()
    if order.status is not OrderStatus.ISSUED:
        return NotRefundable.code()
    try:
        check_policy(order, tickets, refund_hours)
    except DomainError as refused:
        return refused.code()
    return None


def ways_back(order: Order) -> list[RefundTo]:
    usual = BACK.get(order.method) if order.method else None
    return list(dict.fromkeys((usual, RefundTo.COINS))) if usual else []
