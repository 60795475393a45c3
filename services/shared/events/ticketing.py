"""Payments, tickets, refunds, doors."""

from datetime import datetime
from uuid import UUID

from services.shared.events.parts import HeldSeat, OfBooking


class PaymentStarted(OfBooking):
    """From now on only ticketing lets the seats go before the grace ends."""

    by = "ticketing"
    showtime_id: UUID


class PaymentSucceeded(OfBooking):
    """Sell the seats; if their claim is gone, rescue the booking."""

    by = "ticketing"
    user_id: UUID
    showtime_id: UUID
    amount: int
    currency: str
    method: str
    seats: list[HeldSeat]


class PaymentFailed(OfBooking):
    """A try failed; the seats stay held."""

    by = "ticketing"
    showtime_id: UUID
    reason: str


class PaymentAbandoned(OfBooking):
    """Frees held seats, never sold ones."""

    by = "ticketing"
    showtime_id: UUID
    reason: str


class TicketIssued(OfBooking):
    by = "ticketing"
    personal = ("holder_name",)
    ticket_id: UUID
    user_id: UUID
    holder_name: str
    movie_id: UUID
    showtime_id: UUID
    starts_at: datetime
    seat_no: int
    seat: str


class TicketVoided(OfBooking):
    """Frees that sold seat."""

    by = "ticketing"
    ticket_id: UUID
    showtime_id: UUID
    seat_no: int
    seat: str


class OrderRefunded(OfBooking):
    """Money is back at the customer; frees nothing."""

    by = "ticketing"
    showtime_id: UUID
    amount: int
    currency: str
    reason: str


class TicketScanned(OfBooking):
    by = "ticketing"
    ticket_id: UUID
    showtime_id: UUID
    seat_no: int
    seat: str
    gate: str
    scanned_at: datetime
