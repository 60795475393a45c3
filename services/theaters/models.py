"""Tables of theaters."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from services.shared.db import ModelBase, new_metadata


class Base(ModelBase, DeclarativeBase):
    metadata = new_metadata()


class Theater(Base):
    """`version` counts the changes of what the others keep a copy of."""

    __tablename__ = "theater"
    __table_args__ = (
        Index("theater_listed_idx", "name", "id", postgresql_where="archived_at IS NULL"),
        CheckConstraint("latitude BETWEEN -90 AND 90", name="latitude"),
        CheckConstraint("longitude BETWEEN -180 AND 180", name="longitude"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(default=1)
    name: Mapped[str]
    city: Mapped[str]
    address: Mapped[str]
    timezone: Mapped[str]
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    amenities: Mapped[list[str]]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    archived_at: Mapped[datetime | None]

    halls: Mapped[list["Hall"]] = relationship(
        lazy="raise", order_by="Hall.id", primaryjoin="and_(Hall.theater_id == Theater.id, Hall.closed_at.is_(None))"
    )


class Hall(Base):
    """`layout_version` is the current one; `capacity` counts its seats that are in service."""

    __tablename__ = "hall"
    __table_args__ = (Index("hall_theater_id_idx", "theater_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    theater_id: Mapped[UUID] = mapped_column(ForeignKey("theater.id"))
    name: Mapped[str]
    layout_version: Mapped[int] = mapped_column(default=1)
    capacity: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    closed_at: Mapped[datetime | None]

    theater: Mapped[Theater] = relationship(lazy="raise", viewonly=True)


class Layout(Base):
    """One version of a hall's seats. Written once; nothing here ever changes it."""

    __tablename__ = "layout"
    __table_args__ = (CheckConstraint("jsonb_array_length(seats) BETWEEN 1 AND 2000", name="seats"),)

    hall_id: Mapped[UUID] = mapped_column(ForeignKey("hall.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    seats: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
