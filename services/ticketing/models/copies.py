"""What this service keeps of things that others own, fed by their events."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from services.ticketing.models.base import Base


class ShowtimeStatus(StrEnum):
    SCHEDULED = "scheduled"
    CANCELLED = "cancelled"


class Customer(Base):
    """A user at the newest `version` that has come: whom tickets are made out to and mails go to.

    Deleted when the user is erased.
    """

    __tablename__ = "customer"

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    email: Mapped[str] = mapped_column(index=True)
    full_name: Mapped[str]
    locale: Mapped[str]
    is_guest: Mapped[bool]
    is_verified: Mapped[bool] = mapped_column(default=False)


class ErasedUser(Base):
    """Whom we are to know nothing of, even if an older event about them comes late."""

    __tablename__ = "erased_user"

    user_id: Mapped[UUID] = mapped_column(primary_key=True)


class Showtime(Base):
    """A showtime at the newest `version` that has come."""

    __tablename__ = "showtime"
    __table_args__ = (
        Index("showtime_cancelled_idx", "id", postgresql_where=text("status = 'cancelled'")),
        Index("showtime_starts_idx", "starts_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    movie: Mapped[dict[str, Any]]
    theater: Mapped[dict[str, Any]]
    hall: Mapped[dict[str, Any]]
    timezone: Mapped[str]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    capacity: Mapped[int] = mapped_column(default=0, server_default="0")
    format: Mapped[str]
    language: Mapped[str]
    status: Mapped[ShowtimeStatus] = mapped_column(default=ShowtimeStatus.SCHEDULED)
    reason: Mapped[str] = mapped_column(default="")

    @property
    def shown(self) -> dict[str, Any]:
        """As orders show it."""
        return {
            "id": str(self.id),
            "starts_at": self.starts_at.isoformat(),
            "timezone": self.timezone,
            "theater": self.theater,
            "hall": self.hall,
            "format": self.format,
            "language": self.language,
            "status": self.status,
        }


class Hold(Base):
    """The first word of a hold, whichever event brought it: its row makes SeatHeld and SeatsReleased queue.

    With `released` it is a tombstone: a SeatHeld that comes later opens nothing.
    """

    __tablename__ = "hold"

    booking_id: Mapped[UUID] = mapped_column(primary_key=True)
    released: Mapped[str | None]
