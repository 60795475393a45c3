"""Films from files."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from services.catalog import commands
from services.catalog.api.bodies import described, media_type
from services.catalog.imports import FORMATS, Format
from services.catalog.schemas import ImportView
from services.shared.auth import Manager
from services.shared.db import Transactions
from services.shared.errors import UnsupportedMediaType, refusals
from services.shared.http import takes

router = APIRouter(tags=["movies"])

LARGEST_FILE = 64 << 20
JSON_LINE = (
    '{"title": "Casablanca", "description": "A bar owner in a wartime port.", "genres": ["Drama", "Romance"], '
    '"runtime_minutes": 102, "age_rating": "6", "release_date": "1942-11-26", "languages": ["en"], '
    '"cast": ["Humphrey Bogart", "Ingrid Bergman"], "director": "Michael Curtiz", "external_id": "imdb:tt0034583"}\n'
)
RECORDS = (
    "external_id,title,description,genres,runtime_minutes,age_rating,release_date,languages,cast,director\n"
    'imdb:tt0034583,Casablanca,"A bar owner, in a wartime port.",Drama|Romance,102,6,1942-11-26,en,'
    "Humphrey Bogart|Ingrid Bergman,Michael Curtiz\n"
)
FILE: dict[str, dict[str, Any]] = {
    name: {"schema": {"type": "string"}, "example": RECORDS if name == "text/csv" else JSON_LINE} for name in FORMATS
}


async def file_format(request: Request) -> Format:
    return FORMATS[media_type(request, FORMATS)]()


@router.post(
    "/movies/import",
    response_model=ImportView,
    dependencies=[takes(LARGEST_FILE)],
    openapi_extra=described(FILE),
    responses=refusals(UnsupportedMediaType),
)
async def import_movies(
    request: Request, transactions: Transactions, _: Manager, kind: Annotated[Format, Depends(file_format)]
) -> commands.Imported:
    """Add and replace films from a file of up to 64 MB, JSON Lines or CSV. A film whose `external_id` is known replaces
    that one. Bad lines are named and cost no other line its film."""
    return await commands.import_movies(transactions, request.stream(), kind)
