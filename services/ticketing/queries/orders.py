"""Orders as their owners and the staff see them, and locked for those who change them."""

from dataclasses import dataclass
from datetime import UTC, datetime
from re import fullmatch
from typing import Literal
from uuid import UUID

from sqlalchemy import ColumnElement, Select, or_, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from services.shared.auth import Principal, Role
from services.shared.db import Sessions, arrived, settings_of
from services.shared.paging import Paging, Rows, page
from services.ticketing.errors import OrderNotFound
from services.ticketing.models import Customer, Order, OrderStatus, Ticket
from services.ticketing.queries.tickets import signed


@dataclass(frozen=True)
class Filters:
    """Of a list of orders. Only managers see others' than their own."""

    status: OrderStatus | None = None
    when: Literal["upcoming", "past"] | None = None
    user_id: UUID | None = None
    showtime_id: UUID | None = None
    query: str | None = None


async def locked(session: AsyncSession, booking_id: UUID) -> Order:
    """The order for a change: whoever changes an order locks it first. Raises OrderNotFound."""
    mine = select(Order).where(Order.booking_id == booking_id).with_for_update()
    order = await session.scalar(mine, execution_options={"populate_existing": True})
    if order is None:
        raise OrderNotFound
    return order


async def find(session: AsyncSession, principal: Principal, booking_id: UUID, since: int = -1) -> Order | None:
    """With all that is shown of it, if its version has passed `since`: the caller's own, or anybody's for staff."""
    query = whole().where(Order.booking_id == booking_id, Order.version > since)
    if not principal.may(Role.staff):
        query = query.where(Order.user_id == principal.id)
    found = await session.scalar(query, execution_options={"populate_existing": True})
    return None if found is None else with_codes(session, found)


async def order(session: AsyncSession, principal: Principal, booking_id: UUID) -> Order:
    """Raises OrderNotFound."""
    await session.flush()
    found = await find(session, principal, booking_id)
    if found is None:
        raise OrderNotFound
    return found


async def awaited(transactions: Sessions, principal: Principal, booking_id: UUID, wait: float, since: int) -> Order:
    """The order once its version has passed `since`, or as it is after `wait` seconds. Raises OrderNotFound."""

    async def look(session: AsyncSession) -> Order | None:
        return await find(session, principal, booking_id)

    async def look_for_news() -> Order | None:
        async with transactions.begin() as session:
            return await find(session, principal, booking_id, since)

    found = await transactions.signals.until(look_for_news, booking_id, wait)
    if found is not None:
        return found
    unchanged: Order = await arrived(transactions, look, booking_id, OrderNotFound)
    return unchanged


async def orders(session: AsyncSession, principal: Principal, filters: Filters, place: Paging) -> Rows[Order]:
    """Newest first: the caller's own; for managers everybody's, unless they filter."""
    query = whole().where(*conditions(filters))
    if not principal.may(Role.manager):
        query = query.where(Order.user_id == principal.id)
    found = await page(session, query, place, Order.booking_id, descending=True)
    return Rows([with_codes(session, one) for one in found.items], found.next_cursor)


def conditions(filters: Filters) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if filters.status is not None:
        found.append(Order.status == filters.status)
    if filters.when is not None:
        now = datetime.now(UTC)
        found.append(Order.starts_at >= now if filters.when == "upcoming" else Order.starts_at < now)
    if filters.user_id is not None:
        found.append(Order.user_id == filters.user_id)
    if filters.showtime_id is not None:
        found.append(Order.showtime_id == filters.showtime_id)
    if filters.query:
        found.append(matches(filters.query))
    return found


def matches(text: str) -> ColumnElement[bool]:
    """By a part of the customer's name or mail address, or by the beginning of the booking's or a ticket's id."""
    people = select(Customer.user_id).where(
        or_(Customer.email.icontains(text, autoescape=True), Customer.full_name.icontains(text, autoescape=True))
    )
    found = [select(Order.booking_id).where(Order.user_id.in_(people))]
    if (span := ids_beginning_with(text)) is not None:
        found.append(select(Order.booking_id).where(Order.booking_id.between(*span)))
        found.append(select(Ticket.booking_id).where(Ticket.id.between(*span)))
    return Order.booking_id.in_(union_all(*found))


def ids_beginning_with(text: str) -> tuple[UUID, UUID] | None:
    """The first and the last of them, which an index finds; None if no id begins like that."""
    digits = text.strip().lower().replace("-", "")
    if not fullmatch("[0-9a-f]{4,32}", digits):
        return None
    return UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))


async def saga(session: AsyncSession, booking_id: UUID) -> Order:
    """The order with the steps it took. Raises OrderNotFound."""
    query = whole().options(selectinload(Order.steps)).where(Order.booking_id == booking_id)
    order = await session.scalar(query)
    if order is None:
        raise OrderNotFound
    return order


def whole() -> Select[Order]:
    parts = (Order.customer, Order.promo, Order.intents, Order.refunds, Order.tickets, Order.timeline)
    return select(Order).options(*(selectinload(part) for part in parts))


def with_codes(session: AsyncSession, order: Order) -> Order:
    for ticket in order.tickets:
        signed(session, ticket)
    if order.status is OrderStatus.ISSUED:
        order.cancellable_until = order.refundable_until(settings_of(session).refund_hours)
    return order
