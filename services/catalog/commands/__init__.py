"""What changes in the catalog."""

from services.catalog.commands.copies import close_hall, keep_hall, keep_theater
from services.catalog.commands.imports import Imported, import_movies
from services.catalog.commands.movies import change_movie, create_movie, delete_movie, save_movies
from services.catalog.commands.posters import remove_poster, set_poster
from services.catalog.commands.prospects import renew_affinities, renew_prospects, stale_prospects
from services.catalog.commands.showtimes import (
    Batch,
    cancel_showtime,
    change_showtime,
    schedule_batch,
    schedule_many,
    schedule_showtime,
)
from services.catalog.commands.taste import (
    COUNTED_AT_ONCE,
    count_visits,
    forget_latecomers,
    forget_user,
    keep_visit,
    rate,
    unrate,
    unwatch,
    void_visit,
    watch,
)

__all__ = [
    "COUNTED_AT_ONCE",
    "Batch",
    "Imported",
    "cancel_showtime",
    "change_movie",
    "change_showtime",
    "close_hall",
    "count_visits",
    "create_movie",
    "delete_movie",
    "forget_latecomers",
    "forget_user",
    "import_movies",
    "keep_hall",
    "keep_theater",
    "keep_visit",
    "rate",
    "remove_poster",
    "renew_affinities",
    "renew_prospects",
    "save_movies",
    "schedule_batch",
    "schedule_many",
    "schedule_showtime",
    "set_poster",
    "stale_prospects",
    "unrate",
    "unwatch",
    "void_visit",
    "watch",
]
