"""HTTP in."""

from fastapi import APIRouter

from services.catalog.api import imports, movies, showtimes, taste

router = APIRouter()
router.include_router(imports.router)
router.include_router(movies.router)
router.include_router(showtimes.router)
router.include_router(taste.router)
