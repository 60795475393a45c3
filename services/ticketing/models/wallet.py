"""Coins: what a user has, how it came to be, and coins bought for money."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, UniqueConstraint, func
from sqlalchemy.orm import Mapped, composite, mapped_column

from services.shared.ids import new_id
from services.ticketing.models.base import Base, Money


class CoinReason(StrEnum):
    WELCOME = "welcome"
    TOPUP = "topup"
    PURCHASE = "purchase"
    REFUND = "refund"


class TopUpStatus(StrEnum):
    PENDING = "pending"
    PAID = "paid"
    FAILED = "failed"


class Wallet(Base):
    """The sum of a user's entries; its row lock is what concurrent spenders queue for."""

    __tablename__ = "wallet"
    __table_args__ = (CheckConstraint("balance >= 0", "balance"),)

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    balance: Mapped[int]


class WalletEntry(Base):
    """Coins that came (positive) or went (negative), appended only: once for each reason and reference."""

    __tablename__ = "wallet_entry"
    __table_args__ = (UniqueConstraint("reason", "reference"), CheckConstraint("amount <> 0", "amount"))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[UUID] = mapped_column(index=True)
    amount: Mapped[int]
    reason: Mapped[CoinReason]
    reference: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class TopUp(Base):
    """Coins bought by card: `amount` minor units for `coins`, credited once Stripe says that it was paid."""

    __tablename__ = "topup"
    __table_args__ = (CheckConstraint("amount > 0 AND coins > 0", "amount"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[UUID] = mapped_column(index=True)
    amount: Mapped[int]
    currency: Mapped[str]
    price: Mapped[Money] = composite("amount", "currency")
    coins: Mapped[int]
    status: Mapped[TopUpStatus] = mapped_column(default=TopUpStatus.PENDING)
    intent_id: Mapped[str | None] = mapped_column(unique=True)
    failure: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    paid_at: Mapped[datetime | None]
