"""All tables of the service, so that `Base.metadata` is complete."""

from services.catalog.models.base import Base
from services.catalog.models.films import Movie, Poster, Word
from services.catalog.models.showtimes import Showtime
from services.catalog.models.taste import Affinity, Erased, Prospect, Rating, Visit, Wish
from services.catalog.models.theaters import Hall, Theater

__all__ = [
    "Affinity",
    "Base",
    "Erased",
    "Hall",
    "Movie",
    "Poster",
    "Prospect",
    "Rating",
    "Showtime",
    "Theater",
    "Visit",
    "Wish",
    "Word",
]
