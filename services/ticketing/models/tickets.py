"""Tickets, and what happened to them at the doors."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, composite, mapped_column, relationship

from services.shared.ids import new_id
from services.ticketing.models.base import Base, Money


class TicketStatus(StrEnum):
    VALID = "valid"
    USED = "used"
    VOID = "void"


class ScanResult(StrEnum):
    ADMITTED = "admitted"
    ALREADY_USED = "already_used"
    WRONG_SHOWTIME = "wrong_showtime"
    VOID = "void"
    TOO_EARLY = "too_early"
    TOO_LATE = "too_late"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Use:
    """When and where a ticket was used."""

    at: datetime
    gate: str


@dataclass(frozen=True)
class Seat:
    """A seat as it was sold."""

    seat_no: int
    label: str
    row: str
    number: int
    category: str


class Ticket(Base):
    """The right to one seat of one showtime. Its code is signed when asked for, so there is no secret to store.

    `amount` is the seat's price, `discount` its share of what the order was cheaper by. A reissued ticket has a higher
    `serial`; codes with an older one are refused. One that is frozen, while its payment is disputed, opens nothing, but
    keeps its seat.
    """

    __tablename__ = "ticket"
    __table_args__ = (
        # The second guard behind the reservations service: no seat of a showtime has two live tickets.
        Index(
            "ticket_live_key",
            "showtime_id",
            "seat_no",
            unique=True,
            postgresql_where=text("status <> 'void'"),
            postgresql_include=["booking_id"],
        ),
        CheckConstraint("(status = 'valid') <= (used_at IS NULL)", "unused"),
        CheckConstraint("(status = 'used') <= (used_at IS NOT NULL)", "used"),
        CheckConstraint("(status = 'void') = (voided_at IS NOT NULL)", "void"),
        CheckConstraint("discount BETWEEN 0 AND amount", "discount"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    booking_id: Mapped[UUID] = mapped_column(index=True)
    user_id: Mapped[UUID] = mapped_column(index=True)
    showtime_id: Mapped[UUID]
    movie_id: Mapped[UUID]
    seat_no: Mapped[int]
    label: Mapped[str]
    row: Mapped[str]
    number: Mapped[int]
    category: Mapped[str]
    seat: Mapped[Seat] = composite("seat_no", "label", "row", "number", "category")
    ticket_type: Mapped[str]
    amount: Mapped[int]
    currency: Mapped[str]
    price: Mapped[Money] = composite("amount", "currency")
    discount: Mapped[int] = mapped_column(default=0, server_default="0")
    holder_name: Mapped[str]
    status: Mapped[TicketStatus] = mapped_column(default=TicketStatus.VALID)
    serial: Mapped[int] = mapped_column(default=1)
    valid_until: Mapped[datetime]
    issued_at: Mapped[datetime] = mapped_column(server_default=func.now())
    used_at: Mapped[datetime | None]
    used_gate: Mapped[str | None]
    voided_at: Mapped[datetime | None]
    frozen_at: Mapped[datetime | None]

    @property
    def cost(self) -> int:
        """What was paid for the seat, in minor units."""
        return self.amount - self.discount

    @property
    def is_frozen(self) -> bool:
        return self.frozen_at is not None

    # Not a column: signed when the ticket is read (queries/tickets.py).
    code = ""


class Scan(Base):
    """What a door was answered. `scan_id` is the door's own: with the same code it gets the same answer again.

    `digest` is the code's SHA-256, so that no code lies in the database.
    """

    __tablename__ = "scan"
    __table_args__ = (
        UniqueConstraint("scan_id", "digest"),
        CheckConstraint("(result = 'unknown') = (ticket_id IS NULL)", "ticket"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    scan_id: Mapped[str | None]
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    gate: Mapped[str]
    scanned_by: Mapped[UUID]
    scanned_at: Mapped[datetime]
    received_at: Mapped[datetime] = mapped_column(server_default=func.now())
    offline: Mapped[bool] = mapped_column(default=False)
    result: Mapped[ScanResult]
    ticket_id: Mapped[UUID | None] = mapped_column(ForeignKey("ticket.id"), index=True)
    ticket: Mapped[Ticket | None] = relationship(lazy="raise")
    first_used_at: Mapped[datetime | None]
    first_used_gate: Mapped[str | None]
    first_used: Mapped[Use | None] = composite("first_used_at", "first_used_gate")
