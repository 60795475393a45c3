"""What users saw, rated and want to see; and what follows from it for others."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, Text, func, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

from services.catalog.models.base import Base
from services.catalog.models.films import Movie


class Visit(Base):
    """A ticket, seen from the film. A void may come before its ticket: then `movie_id` is missing for good.

    `counted`: whether it is in its film's `popularity`. `user_id` is missing where somebody was erased.
    """

    __tablename__ = "visit"
    __table_args__ = (
        Index("visit_user_idx", "user_id", "movie_id", postgresql_where="user_id IS NOT NULL"),
        Index("visit_movie_idx", "movie_id", "ticket_id"),
        Index("visit_uncounted_idx", "movie_id", postgresql_where="counted = voided"),
    )

    ticket_id: Mapped[UUID] = mapped_column(primary_key=True)
    showtime_id: Mapped[UUID]
    movie_id: Mapped[UUID | None]
    user_id: Mapped[UUID | None]
    voided: Mapped[bool] = mapped_column(server_default=text("false"))
    counted: Mapped[bool] = mapped_column(server_default=text("false"))


class Rating(Base):
    """1 to 5 stars; `replaced` are those before, 0 for none, so that one statement can tell the difference."""

    __tablename__ = "rating"
    __table_args__ = (
        CheckConstraint("stars BETWEEN 1 AND 5", name="stars"),
        Index("rating_movie_idx", "movie_id"),
    )

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    movie_id: Mapped[UUID] = mapped_column(ForeignKey("movie.id"), primary_key=True)
    stars: Mapped[int] = mapped_column(SmallInteger)
    replaced: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    rated_at: Mapped[datetime] = mapped_column(server_default=func.now())

    movie: Mapped[Movie] = relationship(lazy="raise", viewonly=True)


class Wish(Base):
    """A film on a user's watchlist."""

    __tablename__ = "wish"

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    movie_id: Mapped[UUID] = mapped_column(ForeignKey("movie.id"), primary_key=True)
    added_at: Mapped[datetime] = mapped_column(server_default=func.now())

    movie: Mapped[Movie] = relationship(lazy="raise", viewonly=True)


class Erased(Base):
    """Somebody who is forgotten: a ticket that is heard of later, or a request that is still under way, must not
    bring the person back."""

    __tablename__ = "erased"

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    erased_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Prospect(Base):
    """A film that can be recommended, since it is on or coming, with its genres and people as `traits`.

    `popularity` is the film's when its affinities were last computed, -1 before the first time.
    """

    __tablename__ = "prospect"

    movie_id: Mapped[UUID] = mapped_column(ForeignKey("movie.id"), primary_key=True)
    traits: Mapped[list[str]] = mapped_column(ARRAY(Text))
    popularity: Mapped[int] = mapped_column(server_default="-1")
    renewed_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Affinity(Base):
    """How much those who saw the film `source_id` are drawn to the prospect `movie_id`: 0 to 1."""

    __tablename__ = "affinity"
    __table_args__ = (Index("affinity_movie_idx", "movie_id"),)

    source_id: Mapped[UUID] = mapped_column(primary_key=True)
    movie_id: Mapped[UUID] = mapped_column(ForeignKey("prospect.movie_id", ondelete="CASCADE"), primary_key=True)
    strength: Mapped[float]
