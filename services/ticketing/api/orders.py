from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query

from services.shared.auth import CurrentUser, Forbidden, Manager, Staff
from services.shared.db import Session, Transactions
from services.shared.errors import refusals
from services.shared.idempotency import Idempotent
from services.shared.paging import Page, PageOf, Rows
from services.shared.schemas import Text
from services.ticketing.api.resources import Provider
from services.ticketing.booking import cancel, promo, quote, retrying
from services.ticketing.booking.pay import pay
from services.ticketing.errors import (
    AlreadyPaid,
    AmountTooSmall,
    NotEnoughCoins,
    NothingToRetry,
    NotRefundable,
    OrderExpired,
    OrderInProgress,
    OrderNotFound,
    PaymentDisputed,
    PromoNotValid,
    RefundTooLarge,
    RefundWindowClosed,
    TicketUsed,
)
from services.ticketing.models import Method, OrderStatus
from services.ticketing.queries import orders
from services.ticketing.schemas.orders import Cancel, GiveRefund, Label, OrderView, Pay, Retry, SagaView
from services.ticketing.schemas.promos import ApplyPromo
from services.ticketing.schemas.quotes import QuoteView

router = APIRouter(prefix="/orders", tags=["orders"], route_class=Idempotent)
Seats = Annotated[list[Label] | None, Query(max_length=100, description="Labels; without them all seats.")]


@router.get("", response_model=Page[OrderView])
async def list_orders(
    user: CurrentUser,
    session: Session,
    place: PageOf,
    status: OrderStatus | None = None,
    when: Literal["upcoming", "past"] | None = None,
    user_id: UUID | None = None,
    showtime_id: UUID | None = None,
    query: Text | None = None,
) -> Rows[OrderView]:
    """Your orders, newest first. Managers see everybody's, and can search by name, mail address or booking."""
    filters = orders.Filters(status, when, user_id, showtime_id, query)
    return OrderView.page(await orders.orders(session, user, filters, place), user)


@router.get("/{booking_id}", responses=refusals(OrderNotFound))
async def get_order(
    booking_id: UUID,
    user: CurrentUser,
    transactions: Transactions,
    wait: Annotated[float, Query(ge=0, le=25, description="Seconds to wait for news.")] = 0,
    since: Annotated[int, Query(ge=-1, le=2**31 - 1, description="The version you have seen.")] = -1,
) -> OrderView:
    """One of your orders; staff may see anybody's. With `wait`, answers as soon as it is newer than `since`."""
    return OrderView.of(await orders.awaited(transactions, user, booking_id, wait, since), user)


@router.post(
    "/{booking_id}/pay",
    responses=refusals(
        OrderNotFound, OrderExpired, AlreadyPaid, OrderInProgress, NotEnoughCoins, AmountTooSmall, Forbidden
    ),
)
async def pay_order(
    booking_id: UUID, body: Pay, user: CurrentUser, transactions: Transactions, payments: Provider
) -> OrderView:
    """Pay with coins, at the counter, or begin to pay by card: then `payment.client_secret` is for the browser."""
    return OrderView.of(await pay(transactions, payments, user, booking_id, Method(body.method)), user)


@router.post(
    "/{booking_id}/promo", responses=refusals(OrderNotFound, PromoNotValid, OrderExpired, AlreadyPaid, OrderInProgress)
)
async def apply_promo_code(
    booking_id: UUID, body: ApplyPromo, user: CurrentUser, transactions: Transactions, payments: Provider
) -> OrderView:
    """Make an unpaid order cheaper by a promo code, in place of any other one."""
    return OrderView.of(await promo.apply(transactions, payments, user, booking_id, body.code), user)


@router.delete("/{booking_id}/promo", responses=refusals(OrderNotFound, OrderExpired, AlreadyPaid, OrderInProgress))
async def remove_promo_code(
    booking_id: UUID, user: CurrentUser, transactions: Transactions, payments: Provider
) -> OrderView:
    """Back to the full price."""
    return OrderView.of(await promo.remove(transactions, payments, user, booking_id), user)


@router.post(
    "/{booking_id}/cancel",
    responses=refusals(OrderNotFound, OrderInProgress, PaymentDisputed, RefundWindowClosed, TicketUsed, NotRefundable),
)
async def cancel_order(booking_id: UUID, user: CurrentUser, session: Session, body: Cancel | None = None) -> OrderView:
    """Before payment the seats go back; afterwards money goes back too, until some hours before the showtime."""
    wanted = body or Cancel()
    return OrderView.of(await cancel.cancel(session, user, booking_id, wanted.wish(), wanted.seats), user)


@router.get("/{booking_id}/refund-quote", response_model=QuoteView, responses=refusals(OrderNotFound))
async def get_refund_quote(booking_id: UUID, user: CurrentUser, session: Session, seats: Seats = None) -> quote.Quote:
    """What cancelling an order, or some of its seats, would give back at this moment."""
    return await quote.quote(session, user, booking_id, seats)


@router.post(
    "/{booking_id}/refund",
    responses=refusals(OrderNotFound, OrderInProgress, PaymentDisputed, NotRefundable, RefundTooLarge),
)
async def refund_order(booking_id: UUID, body: GiveRefund, staff: Staff, session: Session) -> OrderView:
    """For managers; the box office may refund what it has sold itself."""
    return OrderView.of(await cancel.refund(session, staff, booking_id, body.wish(), body.seats), staff)


@router.get("/{booking_id}/saga", responses=refusals(OrderNotFound))
async def get_saga(booking_id: UUID, _: Manager, session: Session) -> SagaView:
    """Every step an order took, and why."""
    return SagaView.model_validate(await orders.saga(session, booking_id))


@router.post("/{booking_id}/saga/retry", responses=refusals(OrderNotFound, NothingToRetry))
async def retry_order(booking_id: UUID, manager: Manager, session: Session, body: Retry | None = None) -> OrderView:
    """Push an order that is stuck: its seats, its payment or its refund; or give coins where a refund has failed."""
    to = body.to if body else None
    return OrderView.of(await retrying.retry(session, manager, booking_id, to), manager)
