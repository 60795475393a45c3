"""All tables of the service, so that `Base.metadata` is complete."""

from services.catalog.models.base import Base
from services.catalog.models.films import Movie, Word
from services.catalog.models.showtimes import Showtime
from services.catalog.models.theaters import Hall, Theater

__all__ = ["Base", "Hall", "Movie", "Showtime", "Theater", "Word"]
