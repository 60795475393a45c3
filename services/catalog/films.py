"""What is known of a film."""

from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any

from pydantic import Field

from services.catalog.words import Passage, compounds, normalise, vector, words
from services.shared.schemas import Input

Title = Annotated[str, Field(min_length=1, max_length=200)]
Person = Annotated[str, Field(min_length=1, max_length=120)]
Genre = Annotated[str, Field(min_length=1, max_length=40)]
Language = Annotated[str, Field(min_length=1, max_length=40, examples=["en"])]
Description = Annotated[str, Field(max_length=5_000)]
Runtime = Annotated[int, Field(strict=True, ge=1, le=1_000)]
AgeRating = Annotated[str, Field(min_length=1, max_length=20, examples=["12"])]
Link = Annotated[str, Field(pattern="^https?://", max_length=500)]
ExternalId = Annotated[str, Field(min_length=1, max_length=100, examples=["imdb:tt0032138"])]
Genres = Annotated[list[Genre], Field(max_length=20)]
Languages = Annotated[list[Language], Field(max_length=50)]
Cast = Annotated[list[Person], Field(max_length=100)]


class Film(Input):
    """A film's facts, as a manager gives them; `external_id` is the key it can be found again by."""

    title: Title
    original_title: Title | None = None
    description: Description
    genres: Genres
    runtime_minutes: Runtime
    age_rating: AgeRating
    release_date: date
    languages: Languages
    cast: Cast
    director: Person
    trailer_url: Link | None = None
    external_id: ExternalId | None = None


def columns(film: Film) -> dict[str, Any]:
    """The facts, and what queries compare, as columns of `movie`."""
    facts = {name: getattr(film, name) for name in Film.model_fields}
    return facts | {
        "title_key": normalise(film.title),
        "facets": [*(genre_facet(genre) for genre in film.genres), *(language_facet(one) for one in film.languages)],
        "search": vector(passages(film)),
    }


def passages(film: Film) -> Iterator[Passage]:
    yield Passage("A", film.title)
    yield Passage("A", film.original_title or "")
    yield from (Passage("B", person) for person in film.cast)
    yield Passage("C", film.director)
    yield Passage("D", film.description)


def vocabulary(film: Film) -> set[str]:
    return {word for _, text in passages(film) for word in (*words(text), *compounds(text))}


def genre_facet(genre: str) -> str:
    return f"genre:{normalise(genre)}"


def language_facet(language: str) -> str:
    return f"language:{normalise(language)}"
