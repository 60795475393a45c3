"""HTTP in."""

from fastapi import APIRouter

from services.catalog.api import imports, movies, posters, showtimes, taste

router = APIRouter()
router.include_router(imports.router)
router.include_router(movies.router)
router.include_router(posters.router)
router.include_router(showtimes.router)
router.include_router(taste.router)
