"""Money: what we ask the payment provider for, what it tells us, and the books about it."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, composite, mapped_column

from services.shared.ids import new_id
from services.ticketing.models.base import Base, Money


class IntentStatus(StrEnum):
    """`CREATING`: we want it, and may have asked for it; the provider's answer is not stored yet."""

    CREATING = "creating"
    OPEN = "open"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    CANCELED = "canceled"


FINAL = (IntentStatus.SUCCEEDED, IntentStatus.CANCELED)


class RefundTo(StrEnum):
    CARD = "card"
    COINS = "coins"
    CASH = "cash"
    TERMINAL = "terminal"


class RefundStatus(StrEnum):
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class RefundCause(StrEnum):
    """`LATE`: a payment for a closed order; `EXTRA`: one for an order that is paid already.

    `DISPUTE`: the bank has taken the money back.
    """

    CUSTOMER = "customer"
    MANAGER = "manager"
    SHOWTIME_CANCELLED = "showtime_cancelled"
    SEATS_LOST = "seats_lost"
    LATE = "late"
    EXTRA = "extra"
    DISPUTE = "dispute"


class Account(StrEnum):
    """Accounts of the ledger. Debits are positive: money that came to us, money we gave up.

    `customer` is what customers have paid and not yet been given seats or money for; `clearing` is what the provider
    holds for us, `till` what the box office holds, `coins` what wallets are worth.
    """

    CUSTOMER = "customer"
    CLEARING = "clearing"
    TILL = "till"
    COINS = "coins"
    REVENUE = "revenue"
    REFUNDS = "refunds"
    PROMOTION = "promotion"


class Intent(Base):
    """A PaymentIntent of a booking, from before it is asked for. `seen_at` is the provider's time of what we know.

    `amount` is what the provider was last known to charge, `promo_id` the code that makes it so; the order may cost
    something else until the provider has agreed. `key_number` makes the idempotency key: it grows when there is
    another amount to ask for, and when the provider has answered a key with its own failure.
    """

    __tablename__ = "intent"
    __table_args__ = (
        UniqueConstraint("booking_id", "number"),
        Index(
            "intent_live_key",
            "booking_id",
            unique=True,
            postgresql_where=text("status IN ('creating', 'open', 'processing')"),
        ),
        CheckConstraint("amount > 0", "amount"),
        CheckConstraint("(status = 'creating') <= (stripe_id IS NULL)", "creating"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    booking_id: Mapped[UUID]
    number: Mapped[int]
    amount: Mapped[int]
    promo_id: Mapped[UUID | None] = mapped_column(ForeignKey("promo_code.id"))
    currency: Mapped[str]
    status: Mapped[IntentStatus] = mapped_column(default=IntentStatus.CREATING)
    stripe_id: Mapped[str | None] = mapped_column(unique=True)
    client_secret: Mapped[str | None]
    failure: Mapped[str | None]
    key_number: Mapped[int] = mapped_column(default=1)
    seen_at: Mapped[datetime | None]
    next_at: Mapped[datetime] = mapped_column(server_default=func.now())
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    @property
    def is_live(self) -> bool:
        return self.status not in FINAL


class Refund(Base):
    """Money on its way back. `settles`: the order is refunded when this is done. `sold`: it had become revenue.

    `reason` is what a manager wrote. `tries` counts refunds at the provider, `key_number` its failures to answer. A
    refund that does not settle its order is tried again by itself when it fails.
    """

    __tablename__ = "refund"
    __table_args__ = (
        UniqueConstraint("booking_id", "number"),
        Index("refund_due_idx", "next_at", postgresql_where=text("status = 'pending'")),
        CheckConstraint("amount > 0", "amount"),
        CheckConstraint("(\"to\" = 'coins') = (coins IS NOT NULL)", "coins"),
        CheckConstraint("(\"to\" = 'card') <= (intent_id IS NOT NULL)", "intent"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    booking_id: Mapped[UUID]
    number: Mapped[int]
    amount: Mapped[int]
    currency: Mapped[str]
    price: Mapped[Money] = composite("amount", "currency")
    coins: Mapped[int | None]
    to: Mapped[RefundTo]
    status: Mapped[RefundStatus] = mapped_column(default=RefundStatus.PENDING)
    cause: Mapped[RefundCause]
    reason: Mapped[str] = mapped_column(default="")
    seats: Mapped[list[str]]
    settles: Mapped[bool]
    sold: Mapped[bool]
    intent_id: Mapped[UUID | None] = mapped_column(ForeignKey("intent.id"))
    stripe_id: Mapped[str | None] = mapped_column(unique=True)
    tries: Mapped[int] = mapped_column(default=1)
    key_number: Mapped[int] = mapped_column(default=1)
    failure: Mapped[str | None]
    next_at: Mapped[datetime] = mapped_column(server_default=func.now())
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    done_at: Mapped[datetime | None]


class DisputeStatus(StrEnum):
    """`CLOSED`: it came to nothing, and the money is ours; `LOST`: the bank has taken it back."""

    OPEN = "open"
    CLOSED = "closed"
    LOST = "lost"


class Dispute(Base):
    """A payment that its cardholder calls back at the bank (https://docs.stripe.com/api/disputes). Ends once."""

    __tablename__ = "dispute"

    id: Mapped[str] = mapped_column(primary_key=True)
    booking_id: Mapped[UUID] = mapped_column(index=True)
    intent_id: Mapped[UUID] = mapped_column(ForeignKey("intent.id"))
    amount: Mapped[int]
    currency: Mapped[str]
    reason: Mapped[str]
    status: Mapped[DisputeStatus] = mapped_column(default=DisputeStatus.OPEN)
    opened_at: Mapped[datetime] = mapped_column(server_default=func.now())
    ended_at: Mapped[datetime | None]


class StripeEvent(Base):
    """An event of the provider, stored before it is worked on. With `failed_at` it waits for a person."""

    __tablename__ = "stripe_event"
    __table_args__ = (
        Index("stripe_event_due_idx", "next_at", postgresql_where=text("handled_at IS NULL AND failed_at IS NULL")),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    type: Mapped[str]
    created: Mapped[datetime]
    payload: Mapped[dict[str, Any]]
    received_at: Mapped[datetime] = mapped_column(server_default=func.now())
    tries: Mapped[int] = mapped_column(default=0, server_default="0")
    next_at: Mapped[datetime] = mapped_column(server_default=func.now())
    error: Mapped[str | None]
    handled_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]


class Watermark(Base):
    """Up to when the provider's events are known to be here."""

    __tablename__ = "watermark"

    name: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]


class Budget(Base):
    """A token bucket for one of the provider's endpoints, shared by all replicas."""

    __tablename__ = "budget"

    endpoint: Mapped[str] = mapped_column(primary_key=True)
    tokens: Mapped[float]
    at: Mapped[datetime]


class LedgerEntry(Base):
    """One side of a posting; the sides of a `cause` sum to zero. The database refuses to change or delete it."""

    __tablename__ = "ledger_entry"
    __table_args__ = (UniqueConstraint("cause", "account"), CheckConstraint("amount <> 0", "amount"))

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    booking_id: Mapped[UUID | None] = mapped_column(index=True)
    cause: Mapped[str]
    account: Mapped[Account]
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class LedgerUnsealed(Base):
    """Entries that the sealer has not come to yet, so that it need not search the whole ledger every second."""

    __tablename__ = "ledger_unsealed"

    entry_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("ledger_entry.id"), primary_key=True, autoincrement=False
    )


class LedgerSeal(Base):
    """The place of a committed entry in the chain of hashes. Apart from the entries, so that these never change."""

    __tablename__ = "ledger_seal"

    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    entry_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("ledger_entry.id"), unique=True)
    hash: Mapped[bytes] = mapped_column(LargeBinary)
