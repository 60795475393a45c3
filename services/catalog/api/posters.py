"""Posters."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Request, Response

from services.catalog import commands, queries
from services.catalog.api.bodies import described, media_type
from services.catalog.api.caching import ASK_AGAIN, FOR_EVER, is_among
from services.catalog.drawing import MEDIA_TYPE as DRAWN
from services.catalog.errors import MovieNotFound, PosterNotReadable, PosterTooManyPixels
from services.catalog.models import Movie
from services.catalog.pictures import ACCEPTED, MEDIA_TYPE, Picture
from services.catalog.schemas import MovieView
from services.shared.auth import Manager
from services.shared.db import Session
from services.shared.errors import UnsupportedMediaType, refusals
from services.shared.http import takes
from services.shared.schemas import Text

router = APIRouter(tags=["posters"])

LARGEST_IMAGE = 5 << 20
BINARY = {"schema": {"type": "string", "format": "binary"}}
POSTER: dict[int | str, dict[str, Any]] = {
    200: {"content": {MEDIA_TYPE: BINARY, DRAWN: {"schema": {"type": "string"}}}},
    304: {"description": "Still the picture of `If-None-Match`."},
}


async def current_poster(session: Session, movie_id: UUID) -> Picture:
    return await queries.poster(session, movie_id)


@router.get("/movies/{movie_id}/poster", response_class=Response, responses=POSTER | refusals(MovieNotFound))
async def read_poster(
    poster: Annotated[Picture, Depends(current_poster)],
    v: Annotated[Text | None, Query(description="As in the film's `poster_url`; then the answer is for ever")] = None,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """The film's poster, a drawn one as long as there is no other."""
    etag = f'"{poster.version}"'
    headers = {"ETag": etag, "Cache-Control": FOR_EVER if v == poster.version else ASK_AGAIN}
    if is_among(etag, if_none_match):
        return Response(status_code=304, headers=headers)
    return Response(poster.content, media_type=poster.media_type, headers=headers)


@router.put(
    "/movies/{movie_id}/poster",
    response_model=MovieView,
    dependencies=[takes(LARGEST_IMAGE)],
    openapi_extra=described(dict.fromkeys(ACCEPTED, BINARY)),
    responses=refusals(MovieNotFound, UnsupportedMediaType, PosterNotReadable, PosterTooManyPixels),
)
async def set_poster(session: Session, movie_id: UUID, request: Request, _: Manager) -> Movie:
    """Give a film its poster: an image of up to 5 MB, of which a copy without metadata is kept, 800x1200 at most."""
    media_type(request, ACCEPTED)
    return await commands.set_poster(session, movie_id, await request.body())


@router.delete("/movies/{movie_id}/poster", status_code=204, responses=refusals(MovieNotFound))
async def remove_poster(session: Session, movie_id: UUID, _: Manager) -> None:
    """Take the film's poster away; a drawn one takes its place."""
    await commands.remove_poster(session, movie_id)
