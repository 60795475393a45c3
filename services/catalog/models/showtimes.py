"""Showtimes."""

from datetime import UTC, date, datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Computed, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from services.catalog.models.base import Base
from services.catalog.models.films import Movie
from services.catalog.models.theaters import Hall, Theater


class Showtime(Base):
    """`busy_from` and `busy_to` are seconds since 1970 below the hall's number: core PostgreSQL can exclude overlaps
    of one range, but not "same hall and overlap" without an extension.

    `layout_version`, `capacity` and `categories` are those of the hall when it was scheduled.
    """

    __tablename__ = "showtime"
    __table_args__ = (
        ExcludeConstraint(
            (text("int8range(busy_from, busy_to)"), "&&"),
            name="showtime_hall_busy",
            using="gist",
            where=text("cancelled_at IS NULL"),
        ),
        CheckConstraint("ends_at > starts_at AND busy_until >= ends_at AND busy_to > busy_from", name="times"),
        Index("showtime_leaves_at_idx", "leaves_at", postgresql_where="cancelled_at IS NULL"),
        Index("showtime_movie_idx", "movie_id", "leaves_at", postgresql_where="cancelled_at IS NULL"),
        Index("showtime_theater_idx", "theater_id", "local_date", postgresql_where="cancelled_at IS NULL"),
        Index("showtime_hall_idx", "hall_id", "starts_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(default=1)
    movie_id: Mapped[UUID] = mapped_column(ForeignKey("movie.id"))
    theater_id: Mapped[UUID] = mapped_column(ForeignKey("theater.id"))
    hall_id: Mapped[UUID] = mapped_column(ForeignKey("hall.id"))
    layout_version: Mapped[int]
    capacity: Mapped[int]
    categories: Mapped[list[str]]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    busy_until: Mapped[datetime]
    busy_from: Mapped[int] = mapped_column(BigInteger)
    busy_to: Mapped[int] = mapped_column(BigInteger)
    local_date: Mapped[date]
    sales_close_minutes: Mapped[int]
    sales_close_at: Mapped[datetime]
    # When it leaves the lists: once it has begun and, if it is sold for a while after that, nobody can buy any more.
    leaves_at: Mapped[datetime] = mapped_column(Computed("GREATEST(starts_at, sales_close_at)", persisted=True))
    format: Mapped[str]
    language: Mapped[str]
    subtitles: Mapped[str | None]
    accessibility: Mapped[list[str]]
    prices: Mapped[list[dict[str, Any]]]
    single_seat_rule: Mapped[bool]
    tickets_issued: Mapped[int] = mapped_column(default=0)
    cancelled_at: Mapped[datetime | None]
    cancel_reason: Mapped[str | None]

    movie: Mapped[Movie] = relationship(lazy="raise", viewonly=True)
    theater: Mapped[Theater] = relationship(lazy="raise", viewonly=True)
    hall: Mapped[Hall] = relationship(lazy="raise", viewonly=True)

    @property
    def status(self) -> Literal["scheduled", "cancelled", "past"]:
        if self.cancelled_at:
            return "cancelled"
        return "past" if self.leaves_at <= datetime.now(UTC) else "scheduled"

    @property
    def timezone(self) -> str:
        return self.theater.timezone

    @property
    def seats_left_hint(self) -> int:
        """Without the seats that are held; reservations knows better. A void may have come before its ticket."""
        return min(self.capacity, max(0, self.capacity - self.tickets_issued))
