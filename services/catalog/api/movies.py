"""Films."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from services.catalog import commands, queries
from services.catalog.api.caching import shortly
from services.catalog.errors import ExternalIdTaken, MovieInUse, MovieNotFound
from services.catalog.films import Film
from services.catalog.models import Movie
from services.catalog.schemas import GenreList, MoviePatch, MovieView, SuggestionsView
from services.shared.auth import Manager
from services.shared.db import Session
from services.shared.errors import refusals
from services.shared.paging import Page, PageOf, Rows
from services.shared.schemas import Text

router = APIRouter(tags=["movies"])
CACHED = [Depends(shortly)]

Filters = Annotated[queries.MovieFilters, Depends()]
Typed = Annotated[Text, Query(description="What has been typed so far", examples=["casab"])]


@router.get("/movies", response_model=Page[MovieView], dependencies=CACHED)
async def list_movies(session: Session, filters: Filters, place: PageOf) -> Rows[Movie]:
    """Search films; all filters hold together."""
    return await queries.movies(session, filters, place)


@router.post("/movies", response_model=MovieView, status_code=201, responses=refusals(ExternalIdTaken))
async def create_movie(session: Session, body: Film, _: Manager) -> Movie:
    """Add a film."""
    return await commands.create_movie(session, body)


@router.get("/movies/{movie_id}", response_model=MovieView, dependencies=CACHED, responses=refusals(MovieNotFound))
async def read_movie(session: Session, movie_id: UUID) -> Movie:
    """One film."""
    return await queries.movie(session, movie_id)


@router.patch("/movies/{movie_id}", response_model=MovieView, responses=refusals(MovieNotFound, ExternalIdTaken))
async def change_movie(session: Session, movie_id: UUID, body: MoviePatch, _: Manager) -> Movie:
    """Change some of a film's facts; its showtimes keep their times."""
    return await commands.change_movie(session, movie_id, body.changes())


@router.delete("/movies/{movie_id}", status_code=204, responses=refusals(MovieNotFound, MovieInUse))
async def delete_movie(session: Session, movie_id: UUID, _: Manager) -> None:
    """Remove a film that has no showtimes to come."""
    await commands.delete_movie(session, movie_id)


@router.get("/suggest", response_model=SuggestionsView, dependencies=CACHED)
async def suggest(session: Session, q: Typed) -> queries.Suggestions:
    """Titles, people and genres while somebody is typing."""
    return await queries.suggestions(session, q)


@router.get("/genres", response_model=GenreList, dependencies=CACHED)
async def list_genres(session: Session) -> dict[str, list[queries.GenreCount]]:
    """All genres with their number of films."""
    return {"items": await queries.genres(session)}
