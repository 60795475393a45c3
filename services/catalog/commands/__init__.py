"""What changes in the catalog."""

from services.catalog.commands.copies import close_hall, count_tickets, keep_hall, keep_theater
from services.catalog.commands.movies import change_movie, create_movie, delete_movie, save_movies
from services.catalog.commands.showtimes import (
    Batch,
    cancel_showtime,
    change_showtime,
    schedule_batch,
    schedule_many,
    schedule_showtime,
)

__all__ = [
    "Batch",
    "cancel_showtime",
    "change_movie",
    "change_showtime",
    "close_hall",
    "count_tickets",
    "create_movie",
    "delete_movie",
    "keep_hall",
    "keep_theater",
    "save_movies",
    "schedule_batch",
    "schedule_many",
    "schedule_showtime",
]
