"""Films, and the words they are found by."""

from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Text, func, text
from sqlalchemy.dialects.postgresql import ARRAY, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from services.catalog.models.base import Base


class Stars(NamedTuple):
    """`average` of 1 to 5, None as long as `count` is 0."""

    average: float | None
    count: int


class Movie(Base):
    """A film. `popularity` counts tickets, `ratings` those who gave `stars` in total; `title_key`, `facets` and
    `search` are what queries compare (words.py)."""

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
    # In no index, so that a rating need not touch the film's.
    stars: Mapped[int] = mapped_column(server_default="0")
    ratings: Mapped[int] = mapped_column(server_default="0")
    title_key: Mapped[str]
    facets: Mapped[list[str]] = mapped_column(ARRAY(Text))
    search: Mapped[str] = mapped_column(TSVECTOR, deferred=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    deleted_at: Mapped[datetime | None]

    @property
    def rating(self) -> Stars:
        return Stars(round(self.stars / self.ratings, 2) if self.ratings else None, self.ratings)


class Word(Base):
    """The words that films are found by; two with a `deletion` in common are a typing error apart."""

    __tablename__ = "word"
    __table_args__ = (Index("word_deletions_idx", "deletions", postgresql_using="gin"),)

    word: Mapped[str] = mapped_column(primary_key=True)
    deletions: Mapped[list[str]] = mapped_column(ARRAY(Text))
