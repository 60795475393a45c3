"""Tables of the catalog: films and showtimes, and copies of what theaters says."""

from datetime import UTC, date, datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Computed,
    ForeignKey,
    Identity,
    Index,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, TSVECTOR, ExcludeConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from services.shared.db import ModelBase, new_metadata


class Base(ModelBase, DeclarativeBase):
    metadata = new_metadata()


class Movie(Base):
    """A film. `popularity` counts tickets; `title_key`, `facets` and `search` are what queries compare (words.py)."""

    __tablename__ = "movie"
    __table_args__ = (
        CheckConstraint("runtime_minutes > 0", name="runtime"),
        Index("movie_external_id_key", "external_id", unique=True, postgresql_where="deleted_at IS NULL"),
        Index("movie_search_idx", "search", postgresql_using="gin"),
        Index("movie_facets_idx", "facets", postgresql_using="gin"),
        Index("movie_title_idx", "title_key", "id"),
        Index("movie_release_idx", "release_date", "id"),
        Index("movie_popularity_idx", text("(-popularity)"), "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    external_id: Mapped[str | None]
    title: Mapped[str]
    original_title: Mapped[str | None]
    description: Mapped[str]
    genres: Mapped[list[str]]
    runtime_minutes: Mapped[int]
    age_rating: Mapped[str]
    release_date: Mapped[date]
    languages: Mapped[list[str]]
    cast: Mapped[list[str]]
    director: Mapped[str]
    trailer_url: Mapped[str | None]
    poster_url: Mapped[str | None]
    popularity: Mapped[int] = mapped_column(server_default="0")
    title_key: Mapped[str]
    facets: Mapped[list[str]] = mapped_column(ARRAY(Text))
    search: Mapped[str] = mapped_column(TSVECTOR, deferred=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    deleted_at: Mapped[datetime | None]


class Word(Base):
    """The words that films are found by; two with a `deletion` in common are a typing error apart."""

    __tablename__ = "word"
    __table_args__ = (Index("word_deletions_idx", "deletions", postgresql_using="gin"),)

    word: Mapped[str] = mapped_column(primary_key=True)
    deletions: Mapped[list[str]] = mapped_column(ARRAY(Text))


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
