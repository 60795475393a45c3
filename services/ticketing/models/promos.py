"""Promo codes, and which orders use one."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from services.shared.ids import new_id
from services.ticketing.models.base import Base


class PromoCode(Base):
    """Takes a percentage off an order's price, or an amount in minor units. `code` is the same in any case.

    `uses` is the number of its PromoUse rows; who adds or takes one has locked this row.
    """

    __tablename__ = "promo_code"
    __table_args__ = (
        Index("promo_code_key", text("lower(code)"), unique=True),
        CheckConstraint("num_nonnulls(percent_off, amount_off) = 1", "kind"),
        CheckConstraint("percent_off BETWEEN 1 AND 100", "percent"),
        CheckConstraint("amount_off > 0", "amount"),
        CheckConstraint("valid_from < valid_until", "window"),
        CheckConstraint("uses >= 0", "uses"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    code: Mapped[str]
    percent_off: Mapped[int | None]
    amount_off: Mapped[int | None]
    valid_from: Mapped[datetime | None]
    valid_until: Mapped[datetime | None]
    max_uses: Mapped[int | None]
    max_uses_per_user: Mapped[int | None]
    min_total: Mapped[int] = mapped_column(default=0)
    is_active: Mapped[bool] = mapped_column(default=True)
    description: Mapped[str] = mapped_column(default="")
    uses: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class PromoUse(Base):
    """An order that uses a code: one that is open, or was paid. An order that ends unpaid gives its use back."""

    __tablename__ = "promo_use"
    __table_args__ = (Index("promo_use_person_idx", "promo_id", "user_id"),)

    booking_id: Mapped[UUID] = mapped_column(primary_key=True)
    promo_id: Mapped[UUID] = mapped_column(ForeignKey("promo_code.id"))
    user_id: Mapped[UUID]
    at: Mapped[datetime] = mapped_column(server_default=func.now())
