"""HTTP in."""

from fastapi import APIRouter

from services.catalog.api import movies, showtimes

router = APIRouter()
router.include_router(movies.router)
router.include_router(showtimes.router)
