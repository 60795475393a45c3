"""What the caller wants to see, thinks of films, and may like."""

import re
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query

from services.catalog import commands, queries
from services.catalog.errors import MovieNotFound, NotSeenYet
from services.catalog.models import Rating, Wish
from services.catalog.schemas import ExportView, RatedMovie, Recommendations, StarsInput, WatchedMovie
from services.shared.auth import CurrentUser
from services.shared.db import Session
from services.shared.errors import refusals
from services.shared.paging import LARGEST, LIMIT, Page, PageOf, Rows

router = APIRouter(tags=["taste"])
LANGUAGE = re.compile(r"\s*([A-Za-z]{2,3})\b")


def preferred_language(accept_language: Annotated[str, Header(include_in_schema=False)] = "") -> str:
    """The first language of Accept-Language (RFC 9110, 12.5.4), such as `de`."""
    found = LANGUAGE.match(accept_language)
    return found[1] if found else "en"


PreferredLanguage = Annotated[str, Depends(preferred_language)]
Limit = Annotated[int, Query(ge=1, le=LARGEST)]


@router.put("/movies/{movie_id}/watchlist", status_code=204, responses=refusals(MovieNotFound))
async def watch(session: Session, movie_id: UUID, user: CurrentUser) -> None:
    """Put a film on your watchlist."""
    await commands.watch(session, user.id, movie_id)


@router.delete("/movies/{movie_id}/watchlist", status_code=204, responses=refusals(MovieNotFound))
async def unwatch(session: Session, movie_id: UUID, user: CurrentUser) -> None:
    """Take a film off your watchlist."""
    await commands.unwatch(session, user.id, movie_id)


@router.put("/movies/{movie_id}/rating", status_code=204, responses=refusals(MovieNotFound, NotSeenYet))
async def rate(session: Session, movie_id: UUID, body: StarsInput, user: CurrentUser) -> None:
    """Rate a film that you have seen, instead of what you thought before."""
    await commands.rate(session, user.id, movie_id, body.stars)


@router.delete("/movies/{movie_id}/rating", status_code=204, responses=refusals(MovieNotFound))
async def unrate(session: Session, movie_id: UUID, user: CurrentUser) -> None:
    """Take your rating of a film back."""
    await commands.unrate(session, user.id, movie_id)


@router.get("/me/watchlist", response_model=Page[WatchedMovie])
async def list_watchlist(session: Session, place: PageOf, user: CurrentUser) -> Rows[Wish]:
    """The films on your watchlist, the latest first."""
    return await queries.watchlist(session, user.id, place)


@router.get("/me/ratings", response_model=Page[RatedMovie])
async def list_ratings(session: Session, place: PageOf, user: CurrentUser) -> Rows[Rating]:
    """The films that you have rated, the latest first."""
    return await queries.ratings(session, user.id, place)


@router.get("/recommendations", response_model=Recommendations)
async def recommend(
    session: Session, user: CurrentUser, language: PreferredLanguage, limit: Limit = LIMIT
) -> dict[str, list[queries.Recommendation]]:
    """Films that are on or coming and that you may like, the best first, each with the reason."""
    return {"items": await queries.recommendations(session, user.id, limit, language)}


@router.get("/me/export", response_model=ExportView, tags=["privacy"])
async def export_me(session: Session, user: CurrentUser) -> queries.Trace:
    """What the catalog stores about the caller."""
    return await queries.trace(session, user.id)
