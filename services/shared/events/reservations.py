"""Who has which seats."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from services.shared.events.parts import Film, Hall, HeldSeat, OfBooking, Theater


class SeatHeld(OfBooking):
    """One for each hold, with all its seats."""

    by = "reservations"
    user_id: UUID
    showtime_id: UUID
    film: Film
    theater: Theater
    hall: Hall
    starts_at: datetime
    format: str
    language: str
    seats: list[HeldSeat]
    total: int
    currency: str
    expires_at: datetime


class SeatsReleased(OfBooking):
    """Nothing was paid and the seats are free; ticketing closes the order, also if this comes before SeatHeld."""

    by = "reservations"
    showtime_id: UUID
    reason: Literal["customer", "grace"]


class SeatsSold(OfBooking):
    """`replaced` maps an old label to the new one where paid seats had to be replaced by equivalent ones."""

    by = "reservations"
    showtime_id: UUID
    seats: list[HeldSeat]
    replaced: dict[str, str] = {}


class SeatsLost(OfBooking):
    """A payment came after its seats had gone, and there were no equivalent ones together."""

    by = "reservations"
    showtime_id: UUID
    seats: list[str]
