"""What is asked of the catalog."""

from services.catalog.queries.facts import film_fact, theater_fact
from services.catalog.queries.halls import (
    Moment,
    conflicts,
    free_halls,
    halls_free_between,
    open_hall,
)
from services.catalog.queries.movies import GenreCount, MovieFilters, Suggestions, genres, movie, movies, suggestions
from services.catalog.queries.showtimes import ShowtimeFilters, complete, showtime, showtimes, upcoming

__all__ = [
    "GenreCount",
    "Moment",
    "MovieFilters",
    "ShowtimeFilters",
    "Suggestions",
    "complete",
    "conflicts",
    "film_fact",
    "free_halls",
    "genres",
    "halls_free_between",
    "movie",
    "movies",
    "open_hall",
    "showtime",
    "showtimes",
    "suggestions",
    "theater_fact",
    "upcoming",
]
