"""What tickets on paper, receipts and calendars are made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.shared.auth import Principal
from services.ticketing.errors import NotIssued, NotPaid
from services.ticketing.models import Customer, Order, OrderStatus, Ticket, TicketStatus
from services.ticketing.queries import orders
from services.ticketing.queries.tickets import ticket


@dataclass(frozen=True)
class Tickets:
    """Some tickets of one order, with their codes. `locale` is the customer's, None if we know them no more."""

    order: Order
    tickets: Sequence[Ticket]
    locale: str | None


async def one_ticket(session: AsyncSession, principal: Principal, ticket_id: UUID) -> Tickets:
    """Also one that is void: then it says so. Raises TicketNotFound."""
    found = await ticket(session, principal, ticket_id)
    order = await session.get_one(Order, found.booking_id)
    customer = await session.get(Customer, order.user_id)
    return Tickets(order, [found], customer.locale if customer else None)


async def all_tickets(session: AsyncSession, principal: Principal, booking_id: UUID) -> Tickets:
    """Those of an order that are not void. Raises OrderNotFound, NotIssued."""
    order = await orders.order(session, principal, booking_id)
    if order.status is not OrderStatus.ISSUED:
        raise NotIssued(order_status=order.status)
    live = [found for found in order.tickets if found.status is not TicketStatus.VOID]
    return Tickets(order, live, order.customer.locale if order.customer else None)


async def paid_order(session: AsyncSession, principal: Principal, booking_id: UUID) -> Order:
    """An order that was paid, whatever became of it. Raises OrderNotFound, NotPaid."""
    order = await orders.order(session, principal, booking_id)
    if order.paid_at is None:
        raise NotPaid(order_status=order.status)
    return order
