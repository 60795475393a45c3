"""JSON about orders, payments and refunds."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field

from services.shared.auth import Principal
from services.shared.events import HeldSeat
from services.shared.paging import Rows
from services.shared.schemas import Input, View
from services.ticketing import wording
from services.ticketing.commands.refunds import Wish
from services.ticketing.models import (
    IntentStatus,
    Method,
    Money,
    Order,
    OrderStatus,
    Refund,
    RefundCause,
    RefundStatus,
    RefundTo,
    ShowtimeStatus,
    TimelineRow,
)
from services.ticketing.pricing import shares
from services.ticketing.schemas.promos import OrderPromo
from services.ticketing.schemas.tickets import TicketView

Label = Annotated[str, Field(min_length=1, max_length=20)]
Labels = Annotated[list[Label], Field(min_length=1, max_length=100)]
GivenBack = Literal[RefundTo.CARD, RefundTo.COINS]


class Pay(Input):
    method: Literal[Method.CARD, Method.COINS, Method.CASH, Method.TERMINAL]


class Cancel(Input):
    """For orders that are paid; without `seats` all of it is given back."""

    to: GivenBack | None = None
    seats: Labels | None = Field(None, examples=[["F7"]])
    reason: str = Field("", max_length=500, description="Why, if you like to say so.")

    def wish(self) -> Wish:
        return Wish(RefundCause.CUSTOMER, to=self.to, reason=self.reason)


class GiveRefund(Input):
    """For `seats`, whose tickets end; or for an `amount` alone, as goodwill; or, without both, for all of it."""

    reason: str = Field(min_length=1, max_length=500)
    amount: Annotated[int, Field(strict=True, ge=1, le=100_000_000, description="Minor units.")] | None = None
    seats: Labels | None = None
    to: GivenBack | None = None

    def wish(self) -> Wish:
        return Wish(RefundCause.MANAGER, amount=self.amount, to=self.to, reason=self.reason)


class Retry(Input):
    """`to`: where a refund has failed, give coins instead of trying the card again."""

    to: GivenBack | None = None


class OrderSeat(View):
    seat_no: int
    label: str
    row: str
    number: int
    category: str
    ticket_type: str
    price: Money
    discount: Money = Field(description="Its share of the order's discount, which a refund of it is less by.")

    @classmethod
    def all_of(cls, order: Order) -> list[Self]:
        seats = order.held_seats
        discounts = shares([seat.price for seat in seats], order.discount)
        return [cls.of(seat, discount) for seat, discount in zip(seats, discounts, strict=True)]

    @classmethod
    def of(cls, seat: HeldSeat, discount: int) -> Self:
        facts = seat.model_dump(exclude={"price", "currency"})
        return cls(**facts, price=Money(seat.price, seat.currency), discount=Money(discount, seat.currency))


class OrderMovie(View):
    id: UUID
    title: str
    poster_url: str | None


class Named(View):
    id: UUID
    name: str


class OrderShowtime(View):
    """As it is now: a showtime may be moved or cancelled."""

    id: UUID
    starts_at: datetime
    timezone: str = Field(examples=["Europe/Berlin"])
    theater: Named
    hall: Named
    format: str
    language: str
    status: ShowtimeStatus


class PaymentView(View):
    """`status` is that of the last card payment; `client_secret` is what the browser confirms it with."""

    method: Method | None
    status: Literal["none", "open", "processing", "succeeded", "canceled"]
    client_secret: str | None = None
    failure: str | None = Field(None, examples=["insufficient_funds"])

    @classmethod
    def of(cls, order: Order, *, is_owner: bool) -> Self:
        if order.paid_at is not None or not order.intents:
            return cls(method=order.method, status="succeeded" if order.paid_at else "none")
        last = order.intents[-1]
        secret = last.client_secret if is_owner and last.is_live and order.is_open else None
        status = IntentStatus.OPEN if last.status is IntentStatus.CREATING else last.status
        return cls(method=order.method, status=status.value, client_secret=secret, failure=last.failure)


class RefundView(View):
    id: UUID
    amount: Money
    coins: int | None
    to: RefundTo
    status: RefundStatus
    cause: RefundCause
    reason: str
    seats: list[str]
    at: datetime

    @classmethod
    def of(cls, refund: Refund) -> Self:
        return cls(
            id=refund.id,
            amount=refund.price,
            coins=refund.coins,
            to=refund.to,
            status=refund.status,
            cause=refund.cause,
            reason=refund.reason or refund.cause,
            seats=refund.seats,
            at=refund.done_at or refund.created_at,
        )


class TimelineView(View):
    at: datetime
    what: str = Field(examples=["Seats held"])
    detail: str

    @classmethod
    def of(cls, row: TimelineRow, timezone: str, locale: str | None) -> Self:
        what, detail = wording.happened(row.kind, row.facts, timezone, locale)
        return cls(at=row.at, what=what, detail=detail)


class OrderView(View):
    """`version` counts the changes: pass it as `since` to wait for the next one."""

    booking_id: UUID
    version: int
    status: OrderStatus
    status_text: str
    closing: str | None = Field(description="Why an unpaid order is being closed, or was.")
    seats: list[OrderSeat]
    movie: OrderMovie
    showtime: OrderShowtime
    subtotal: Money
    discount: Money
    promo: OrderPromo | None
    total: Money
    expires_at: datetime
    cancellable_until: datetime | None = Field(description="Until when its customer may cancel it for a refund.")
    moved_at: datetime | None = Field(description="When its showtime was last moved to another time or place.")
    payment: PaymentView
    refunds: list[RefundView]
    tickets: list[TicketView]
    timeline: list[TimelineView]

    @classmethod
    def of(cls, order: Order, viewer: Principal) -> Self:
        """In the customer's language. Only the owner sees what the payment can be confirmed with."""
        locale = order.customer.locale if order.customer else None
        return cls(
            booking_id=order.booking_id,
            version=order.version,
            status=order.status,
            status_text=wording.status_text(order, locale),
            closing=order.closing,
            seats=OrderSeat.all_of(order),
            movie=OrderMovie.model_validate(order.movie),
            showtime=OrderShowtime.model_validate(order.showtime),
            subtotal=Money(order.subtotal, order.currency),
            discount=Money(order.discount, order.currency),
            promo=OrderPromo.of(order.promo),
            total=order.price,
            expires_at=order.expires_at,
            cancellable_until=order.cancellable_until,
            moved_at=order.moved_at,
            payment=PaymentView.of(order, is_owner=viewer.id == order.user_id),
            refunds=[RefundView.of(refund) for refund in order.refunds],
            tickets=[TicketView.model_validate(ticket) for ticket in order.tickets],
            timeline=[TimelineView.of(row, order.showtime["timezone"], locale) for row in order.timeline],
        )

    @classmethod
    def page(cls, found: Rows[Order], viewer: Principal) -> Rows[Self]:
        return Rows([cls.of(order, viewer) for order in found.items], found.next_cursor)


class StepView(View):
    at: datetime
    from_state: str
    trigger: str
    to_state: str
    cause: str = Field(description="The message, the provider's event, the person or the clock that triggered it.")
    facts: dict[str, str | int | None]


class IntentView(View):
    id: UUID
    number: int
    stripe_id: str | None
    status: IntentStatus
    amount: int
    currency: str
    failure: str | None
    created_at: datetime


class RefundTries(View):
    id: UUID
    number: int
    stripe_id: str | None
    status: RefundStatus
    to: RefundTo
    amount: int
    currency: str
    tries: int
    failure: str | None
    created_at: datetime
    next_at: datetime


class SagaView(View):
    booking_id: UUID
    user_id: UUID
    status: OrderStatus
    closing: str | None
    disputed_at: datetime | None
    steps: Sequence[StepView]
    intents: list[IntentView]
    refunds: list[RefundTries]
