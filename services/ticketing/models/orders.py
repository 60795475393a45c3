"""Orders: what was held, what it costs, where it stands, and how it came there."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, cast
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, func, text
from sqlalchemy.orm import Mapped, composite, mapped_column, relationship

from services.shared.events import HeldSeat
from services.ticketing.models.base import Base, Money
from services.ticketing.models.copies import Customer
from services.ticketing.models.money import Intent, Refund
from services.ticketing.models.promos import PromoCode
from services.ticketing.models.tickets import Ticket


class OrderStatus(StrEnum):
    AWAITING_PAYMENT = "awaiting_payment"
    PAYING = "paying"
    PAID = "paid"
    ISSUED = "issued"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    REFUNDING = "refunding"
    REFUNDED = "refunded"
    REFUND_FAILED = "refund_failed"


class Closing(StrEnum):
    """Why an unpaid order is being closed, or was."""

    DEADLINE = "deadline"
    GRACE = "grace"
    CUSTOMER = "customer"
    SHOWTIME_CANCELLED = "showtime_cancelled"
    USER_ERASED = "user_erased"


class Method(StrEnum):
    CARD = "card"
    COINS = "coins"
    CASH = "cash"
    TERMINAL = "terminal"
    FREE = "free"


class Order(Base):
    """One booking. `status` and `closing` change in `saga.advance()` only; `version` counts its changes.

    `movie` and `showtime` are as the customer is shown them; ids and times in them are strings. `paid` is the money
    that buys the seats, and `intent_id` the card payment it came by: one that is merely sent back is neither.
    `closing` stays in an expired or cancelled order as the reason. `moved_at` is when the showtime was last moved under
    it, `disputed_at` since when the bank has been deciding whether its payment stands.
    """

    __tablename__ = "orders"
    __table_args__ = (
        Index("orders_user_idx", "user_id", "booking_id"),
        # With all that reports read: the rows are wide.
        Index("orders_showtime_idx", "showtime_id", postgresql_include=["booking_id", "method", "paid", "paid_at"]),
        Index(
            "orders_ended_idx",
            "status",
            "booking_id",
            postgresql_where=text("status IN ('expired', 'cancelled', 'refunding', 'refunded', 'refund_failed')"),
        ),
        Index(
            "orders_deadline_idx",
            "expires_at",
            postgresql_where=text("status IN ('awaiting_payment', 'paying') AND closing IS NULL"),
        ),
        Index("orders_reminder_idx", "starts_at", postgresql_where=text("status = 'issued' AND reminded_at IS NULL")),
        Index("orders_passing_idx", "status", postgresql_where=text("status IN ('paying', 'paid', 'refunding')")),
        CheckConstraint("total = subtotal - discount AND total >= 0 AND discount >= 0", "total"),
        CheckConstraint("paid >= 0 AND paid <= total", "paid"),
        CheckConstraint(
            "closing IS NULL OR status IN ('awaiting_payment', 'paying', 'expired', 'cancelled')", "closing"
        ),
    )

    booking_id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID]
    showtime_id: Mapped[UUID]
    status: Mapped[OrderStatus]
    closing: Mapped[Closing | None]
    version: Mapped[int] = mapped_column(default=0)
    seats: Mapped[list[dict[str, Any]]]
    movie: Mapped[dict[str, Any]]
    showtime: Mapped[dict[str, Any]]
    starts_at: Mapped[datetime]
    subtotal: Mapped[int]
    discount: Mapped[int] = mapped_column(default=0)
    promo_id: Mapped[UUID | None] = mapped_column(ForeignKey("promo_code.id"))
    total: Mapped[int]
    currency: Mapped[str]
    price: Mapped[Money] = composite("total", "currency")
    expires_at: Mapped[datetime]
    method: Mapped[Method | None]
    paid: Mapped[int] = mapped_column(default=0)
    paid_at: Mapped[datetime | None]
    intent_id: Mapped[UUID | None] = mapped_column(ForeignKey("intent.id"))
    disputed_at: Mapped[datetime | None]
    moved_at: Mapped[datetime | None]
    reminded_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    customer: Mapped[Customer | None] = relationship(
        primaryjoin="foreign(Order.user_id) == Customer.user_id", lazy="raise", viewonly=True
    )
    promo: Mapped[PromoCode | None] = relationship(lazy="raise", viewonly=True)
    intents: Mapped[list[Intent]] = relationship(
        primaryjoin="Order.booking_id == foreign(Intent.booking_id)",
        order_by=Intent.number,
        lazy="raise",
        viewonly=True,
    )
    refunds: Mapped[list[Refund]] = relationship(
        primaryjoin="Order.booking_id == foreign(Refund.booking_id)",
        order_by=Refund.number,
        lazy="raise",
        viewonly=True,
    )
    tickets: Mapped[list[Ticket]] = relationship(
        primaryjoin="Order.booking_id == foreign(Ticket.booking_id)", order_by=Ticket.id, lazy="raise", viewonly=True
    )
    timeline: Mapped[list["TimelineRow"]] = relationship(
        primaryjoin="Order.booking_id == foreign(TimelineRow.booking_id)",
        order_by="TimelineRow.id",
        lazy="raise",
        viewonly=True,
    )

    steps: Mapped[list["SagaEntry"]] = relationship(
        primaryjoin="Order.booking_id == foreign(SagaEntry.booking_id)",
        order_by="SagaEntry.id",
        lazy="raise",
        viewonly=True,
    )

    # Not a column: by the policy, when the order is read (queries/orders.py).
    cancellable_until = cast("datetime | None", None)

    @property
    def held_seats(self) -> list[HeldSeat]:
        return [HeldSeat.model_validate(seat) for seat in self.seats]

    @property
    def is_open(self) -> bool:
        """Whether it may still be paid, if its time is not up."""
        return self.status in (OrderStatus.AWAITING_PAYMENT, OrderStatus.PAYING) and self.closing is None

    def refundable_until(self, refund_hours: float) -> datetime:
        """Whoever booked another time or place may change their mind until the showtime starts."""
        return self.starts_at if self.moved_at else self.starts_at - timedelta(hours=refund_hours)

    @property
    def is_overdue(self) -> bool:
        return self.expires_at <= datetime.now(UTC)


class TimelineRow(Base):
    """Something the customer is told about the order: `wording.happened(kind, facts)` says it."""

    __tablename__ = "timeline"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    booking_id: Mapped[UUID] = mapped_column(index=True)
    at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    kind: Mapped[str]
    facts: Mapped[dict[str, Any]]


class SagaEntry(Base):
    """One step of a booking's saga, for operators. Append-only; written in the step's own transaction.

    `cause` is the message, the provider's event, the person or the clock that triggered it.
    """

    __tablename__ = "saga_log"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    booking_id: Mapped[UUID] = mapped_column(index=True)
    at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    from_state: Mapped[str]
    trigger: Mapped[str]
    to_state: Mapped[str]
    cause: Mapped[str]
    facts: Mapped[dict[str, Any]]
