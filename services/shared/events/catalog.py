"""What plays when and where, at which prices."""

from datetime import datetime
from uuid import UUID

from services.shared.events.parts import Event, Film, Hall, Price, Theater


class ShowtimeFacts(Event):
    """All that others keep of a showtime. `sales_close_at` is when holds stop."""

    by = "catalog"
    showtime_id: UUID
    film: Film
    theater: Theater
    hall: Hall
    capacity: int
    starts_at: datetime
    ends_at: datetime
    sales_close_at: datetime
    format: str
    language: str
    subtitles: str | None = None
    prices: list[Price]
    single_seat_rule: bool


class ShowtimeScheduled(ShowtimeFacts):
    pass


class ShowtimeChanged(ShowtimeFacts):
    reason: str = ""


class ShowtimeCancelled(Event):
    by = "catalog"
    showtime_id: UUID
    reason: str
