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
from services.catalog.queries.posters import poster
from services.catalog.queries.recommendations import Recommendation, recommendations
from services.catalog.queries.showtimes import ShowtimeFilters, complete, showtime, showtimes, upcoming
from services.catalog.queries.taste import Trace, has_seen, ratings, trace, watchlist

__all__ = [
    "GenreCount",
    "Moment",
    "MovieFilters",
    "Recommendation",
    "ShowtimeFilters",
    "Suggestions",
    "Trace",
    "complete",
    "conflicts",
    "film_fact",
    "free_halls",
    "genres",
    "halls_free_between",
    "has_seen",
    "movie",
    "movies",
    "open_hall",
    "poster",
    "ratings",
    "recommendations",
    "showtime",
    "showtimes",
    "suggestions",
    "theater_fact",
    "trace",
    "upcoming",
    "watchlist",
]
