"""What customers are still to be written."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import func
from sqlalchemy.orm import Mapped, mapped_column

from services.shared.ids import new_id
from services.ticketing.models.base import Base


class LetterKind(StrEnum):
    """What a letter is about; in brackets the facts it needs beside those of its order."""

    TICKETS = "tickets"
    RECEIPT = "receipt"
    REFUND = "refund"  # refund: its id
    CANCELLED = "cancelled"  # refund: its id, or None; reason
    MOVED = "moved"  # was: what the order showed before; reason
    REMINDER = "reminder"


class Letter(Base):
    """A mail about an order that is not written yet: `notices.writing` does that, and deletes the row.

    What is said waits for nothing but its own transaction, however long typesetting takes and whatever fails in it.
    """

    __tablename__ = "letter"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    cause: Mapped[str] = mapped_column(unique=True)
    booking_id: Mapped[UUID]
    kind: Mapped[LetterKind]
    facts: Mapped[dict[str, Any]]
    tries: Mapped[int] = mapped_column(default=0, server_default="0")
    next_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)
