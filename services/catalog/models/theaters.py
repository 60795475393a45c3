"""Copies of what theaters says."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Identity, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from services.catalog.models.base import Base


class Theater(Base):
    """A copy. `version` is that of the last TheaterChanged, 0 where only a hall has told of the theater."""

    __tablename__ = "theater"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    name: Mapped[str]
    city: Mapped[str]
    city_key: Mapped[str]
    timezone: Mapped[str]
    archived: Mapped[bool]


class Hall(Base):
    """A copy with what scheduling asks of the current layout. `number` is ours, for the range of `Showtime.busy`."""

    __tablename__ = "hall"
    __table_args__ = (Index("hall_theater_id_idx", "theater_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(Identity(), unique=True)
    theater_id: Mapped[UUID] = mapped_column(ForeignKey("theater.id"))
    name: Mapped[str]
    layout_version: Mapped[int]
    capacity: Mapped[int]
    categories: Mapped[list[str]]
    closed_at: Mapped[datetime | None]

    theater: Mapped[Theater] = relationship(lazy="raise", viewonly=True)
