"""Theaters, halls and their layouts."""

from uuid import UUID

from services.shared.events.parts import Event, Hall, LayoutSeat, Theater


class TheaterChanged(Event):
    """A theater was made, changed or archived."""

    by = "theaters"
    theater: Theater
    archived: bool = False


class HallLayoutPublished(Event):
    """A version of a hall's layout, the first one included; it never changes. `version` is the layout's."""

    by = "theaters"
    theater: Theater
    hall: Hall
    seats: list[LayoutSeat]


class HallClosed(Event):
    by = "theaters"
    hall_id: UUID
    theater_id: UUID
