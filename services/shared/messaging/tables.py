"""The tables that each service has in its own schema, beside its own."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Identity, Index, LargeBinary, PrimaryKeyConstraint, func, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from services.shared.db import ModelBase, new_metadata

OF_A_USER = "(body ->> 'user_id') IS NOT NULL"


class Base(ModelBase, DeclarativeBase):
    metadata = new_metadata()


class Outbox(Base):
    """Events that are committed and not yet confirmed by the bus. A row is deleted after the confirm, so that reading
    "what is there" misses nothing: a cursor over `id` would lose rows that commit late."""

    __tablename__ = "outbox"
    # Rows come and go by the thousand; vacuum by count, not by share.
    __table_args__ = (
        {"postgresql_with": {"autovacuum_vacuum_scale_factor": "0", "autovacuum_vacuum_threshold": "2000"}},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    event_id: Mapped[UUID]
    name: Mapped[str]
    body: Mapped[dict[str, Any]]
    headers: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    next_at: Mapped[datetime] = mapped_column(server_default=func.now())
    error: Mapped[str | None]
    dead_at: Mapped[datetime | None]


class EventLog(Base):
    """What the bus has confirmed, by day, for replay after a restore or for a new consumer. Kept 14 days."""

    __tablename__ = "event_log"
    __table_args__ = (
        PrimaryKeyConstraint("published_at", "id"),
        Index("event_log_user_idx", text("(body ->> 'user_id')"), postgresql_where=text(OF_A_USER)),
        {"postgresql_partition_by": "RANGE (published_at)"},
    )

    id: Mapped[int] = mapped_column(BigInteger, autoincrement=False)
    published_at: Mapped[datetime] = mapped_column(server_default=func.now())
    event_id: Mapped[UUID]
    name: Mapped[str]
    body: Mapped[dict[str, Any]]
    headers: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]


class Inbox(Base):
    """The events that have had their effect. Kept 28 days from the event's birth, longer than any replay or retry."""

    __tablename__ = "inbox"

    event_id: Mapped[UUID] = mapped_column(primary_key=True)
    handled_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Parked(Base):
    """Messages whose handler failed: tried again at `next_at`; with `dead_at` they wait for a person."""

    __tablename__ = "parked"
    __table_args__ = (Index("parked_due_idx", "next_at", postgresql_where="dead_at IS NULL"),)

    event_id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    body: Mapped[bytes] = mapped_column(LargeBinary)
    headers: Mapped[dict[str, Any]]
    attempts: Mapped[int]
    first_at: Mapped[datetime] = mapped_column(server_default=func.now())
    next_at: Mapped[datetime]
    error: Mapped[str]
    fingerprint: Mapped[str]
    dead_at: Mapped[datetime | None]


class DeadLetterAction(Base):
    """Who replayed or discarded which dead letter, and why. Append-only."""

    __tablename__ = "dead_letter_action"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    event_id: Mapped[UUID]
    name: Mapped[str]
    action: Mapped[str]
    actor: Mapped[str]
    reason: Mapped[str]
    error: Mapped[str]
    at: Mapped[datetime] = mapped_column(server_default=func.now())


class Lease(Base):
    """Who does what only one process at a time should do. A row, not an advisory lock: it works through PgBouncer."""

    __tablename__ = "lease"

    name: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[UUID]
    expires_at: Mapped[datetime]
