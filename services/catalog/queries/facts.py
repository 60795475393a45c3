"""Films and theaters as events tell of them."""

from services.catalog.models import Movie, Theater
from services.shared import events


def film_fact(movie: Movie) -> events.Film:
    return events.Film.model_validate(movie, from_attributes=True)


def theater_fact(theater: Theater) -> events.Theater:
    return events.Theater.model_validate(theater, from_attributes=True)
