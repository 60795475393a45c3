"""The provider's own account of our money, to hold the books against."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Identity, func
from sqlalchemy.orm import Mapped, mapped_column

from services.ticketing.models.base import Base


class LineKind(StrEnum):
    PAYMENT = "payment"
    REFUND = "refund"


class LineStatus(StrEnum):
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class StatementLine(Base):
    """A payment that the provider took for us, or a refund it was asked for, as the provider tells it.

    `cause` is that of the postings which book it; None for a refund that was not made by us. `number` counts lines in
    the order in which they came to us, `seen_at` is when we first saw this status.
    """

    __tablename__ = "statement_line"
    __table_args__ = (CheckConstraint("amount > 0", "amount"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, Identity(), unique=True)
    kind: Mapped[LineKind]
    payment_id: Mapped[str]
    booking_id: Mapped[UUID | None]
    amount: Mapped[int]
    currency: Mapped[str]
    status: Mapped[LineStatus]
    cause: Mapped[str | None]
    seen_at: Mapped[datetime] = mapped_column(server_default=func.now())
