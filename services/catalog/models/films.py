"""Films, the words they are found by, their posters."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Computed, ForeignKey, Index, Text, func, text
from sqlalchemy.dialects.postgresql import ARRAY, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from services.catalog.drawing import edition
from services.catalog.models.base import Base


@dataclass(frozen=True)
class Stars:
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
        Index("movie_titles_idx", "titles", postgresql_using="gin"),
        Index("movie_names_idx", "names", postgresql_using="gin"),
        Index("movie_people_idx", "people", postgresql_using="gin"),
        Index("movie_genres_idx", "genres", postgresql_where="deleted_at IS NULL"),
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
    # Where the poster is that somebody has given us; `poster_url` is never empty.
    own_poster_url: Mapped[str | None] = mapped_column("poster_url")
    popularity: Mapped[int] = mapped_column(server_default="0")
    # In no index, so that a rating need not touch the film's.
    stars: Mapped[int] = mapped_column(server_default="0")
    ratings: Mapped[int] = mapped_column(server_default="0")
    title_key: Mapped[str]
    facets: Mapped[list[str]] = mapped_column(ARRAY(Text))
    search: Mapped[str] = mapped_column(TSVECTOR, deferred=True)
    titles: Mapped[str] = mapped_column(
        TSVECTOR, Computed("ts_filter(search, '{a}')", persisted=True), deferred=True, nullable=True
    )
    people: Mapped[str] = mapped_column(
        TSVECTOR, Computed("ts_filter(search, '{b,c}')", persisted=True), deferred=True, nullable=True
    )
    names: Mapped[str] = mapped_column(
        TSVECTOR, Computed("ts_filter(search, '{a,b,c}')", persisted=True), deferred=True, nullable=True
    )
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    deleted_at: Mapped[datetime | None]

    @property
    def rating(self) -> Stars:
        return Stars(round(self.stars / self.ratings, 2) if self.ratings else None, self.ratings)

    @property
    def poster_url(self) -> str:
        """An address below ours whose `v` changes whenever the picture does."""
        return self.own_poster_url or poster_address(self.id, edition(self.title, self.genres, self.release_date.year))


def poster_address(movie_id: UUID, version: str) -> str:
    return f"/api/catalog/movies/{movie_id}/poster?v={version}"


class Poster(Base):
    """The picture of a film as it is served; a table of its own, so that no list reads it."""

    __tablename__ = "poster"

    movie_id: Mapped[UUID] = mapped_column(ForeignKey("movie.id"), primary_key=True)
    version: Mapped[str]
    media_type: Mapped[str]
    content: Mapped[bytes]


class Word(Base):
    """The words that films are found by; two with a `deletion` in common are a typing error apart."""

    __tablename__ = "word"
    __table_args__ = (Index("word_deletions_idx", "deletions", postgresql_using="gin"),)

    word: Mapped[str] = mapped_column(primary_key=True)
    deletions: Mapped[list[str]] = mapped_column(ARRAY(Text))
