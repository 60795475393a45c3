"""Every event that crosses a service boundary, grouped by the service that publishes it.

Change additively only: consumers ignore fields they do not know, and a snapshot test guards the rest. An event is a
fact in the past tense with the ids and whatever its consumers need, since no consumer asks the publisher back.
Money is in minor units, times are aware UTC.
"""

from datetime import UTC, datetime
from typing import ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.shared.ids import new_id


class Fact(BaseModel):
    """A part of an event."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Event(Fact):
    """`version` counts the changes of the thing the event is about: an older one than already seen is ignored."""

    by: ClassVar[str]

    id: UUID = Field(default_factory=new_id)
    occurred_at: datetime = Field(default_factory=lambda: datetime.now(UTC))
    version: int = 1


class OfBooking(Event):
    """One id travels the whole way: the hold, the order, the payment, the tickets."""

    booking_id: UUID


class Film(Fact):
    id: UUID
    title: str
    poster_url: str | None = None
    runtime_minutes: int
    age_rating: str


class Theater(Fact):
    id: UUID
    name: str
    city: str
    timezone: str


class Hall(Fact):
    id: UUID
    name: str
    layout_version: int


class LayoutSeat(Fact):
    """`x` and `y` in seat widths from the hall's front left corner, as the audience sees it."""

    seat_no: int
    label: str
    row: str
    number: int
    category: str
    x: float
    y: float
    features: list[str] = []


class Price(Fact):
    category: str
    ticket_type: str
    amount: int
    currency: str


class HeldSeat(Fact):
    """A seat with the price that froze when it was held, in minor units of `currency`."""

    seat_no: int
    label: str
    row: str
    number: int
    category: str
    ticket_type: str
    price: int
    currency: str


# --- users --------------------------------------------------------------------------------------------------------


class UserRegistered(Event):
    by = "users"
    user_id: UUID
    email: str
    full_name: str
    locale: str
    is_guest: bool = False


class UserVerified(Event):
    by = "users"
    user_id: UUID
    email: str
    full_name: str
    locale: str


class UserErased(Event):
    by = "users"
    user_id: UUID


# --- theaters -----------------------------------------------------------------------------------------------------


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


# --- catalog ------------------------------------------------------------------------------------------------------


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


# --- reservations -------------------------------------------------------------------------------------------------


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


# --- ticketing ----------------------------------------------------------------------------------------------------


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


EVENTS: dict[str, type[Event]] = {
    event.__name__: event
    for event in (
        *(UserRegistered, UserVerified, UserErased),
        *(TheaterChanged, HallLayoutPublished, HallClosed),
        *(ShowtimeScheduled, ShowtimeChanged, ShowtimeCancelled),
        *(SeatHeld, SeatsReleased, SeatsSold, SeatsLost),
        *(PaymentStarted, PaymentSucceeded, PaymentFailed, PaymentAbandoned),
        *(TicketIssued, TicketVoided, OrderRefunded, TicketScanned),
    )
}

# Who listens to what. Each publisher declares every queue and binding of this table before it publishes, so that an
# event is kept for a service that has never been started yet. A service's HANDLERS must name the same events.
SUBSCRIPTIONS: dict[str, frozenset[type[Event]]] = {
    "users": frozenset(),
    "theaters": frozenset(),
    "catalog": frozenset({TheaterChanged, HallLayoutPublished, HallClosed, TicketIssued, TicketVoided}),
    "reservations": frozenset(
        {
            *(HallLayoutPublished, ShowtimeScheduled, ShowtimeChanged, ShowtimeCancelled),
            *(PaymentStarted, PaymentSucceeded, PaymentAbandoned),
            *(TicketIssued, TicketVoided, TicketScanned),
            UserErased,
        }
    ),
    "ticketing": frozenset(
        {
            *(UserRegistered, UserVerified, UserErased),
            *(ShowtimeScheduled, ShowtimeChanged, ShowtimeCancelled),
            *(SeatHeld, SeatsReleased, SeatsSold, SeatsLost),
        }
    ),
}


def routing_key(event: type[Event]) -> str:
    return f"{event.by}.{event.__name__}"


def consumers(name: str) -> list[str]:
    """The services that listen to the event called `name`."""
    return [service for service, events in SUBSCRIPTIONS.items() if EVENTS[name] in events]
