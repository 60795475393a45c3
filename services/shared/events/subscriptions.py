"""Every event by its name, and who listens to what."""

from services.shared.events.audit import InvariantsChecked
from services.shared.events.catalog import ShowtimeCancelled, ShowtimeChanged, ShowtimeScheduled
from services.shared.events.parts import Event
from services.shared.events.reservations import SeatHeld, SeatsLost, SeatsReleased, SeatsSold
from services.shared.events.theaters import HallClosed, HallLayoutPublished, TheaterChanged
from services.shared.events.ticketing import (
    OrderRefunded,
    PaymentAbandoned,
    PaymentFailed,
    PaymentStarted,
    PaymentSucceeded,
    TicketIssued,
    TicketScanned,
    TicketVoided,
)
from services.shared.events.users import UserChanged, UserErased, UserRegistered, UserVerified

EVENTS: dict[str, type[Event]] = {
    event.__name__: event
    for event in (
        *(UserRegistered, UserVerified, UserChanged, UserErased),
        *(TheaterChanged, HallLayoutPublished, HallClosed),
        *(ShowtimeScheduled, ShowtimeChanged, ShowtimeCancelled),
        *(SeatHeld, SeatsReleased, SeatsSold, SeatsLost),
        *(PaymentStarted, PaymentSucceeded, PaymentFailed, PaymentAbandoned),
        *(TicketIssued, TicketVoided, OrderRefunded, TicketScanned),
        InvariantsChecked,
    )
}

# Who listens to what. Each publisher declares every queue and binding of this table before it publishes, so that an
# event is kept for a service that has never been started yet. A service's HANDLERS must name the same events.
SUBSCRIPTIONS: dict[str, frozenset[type[Event]]] = {
    "users": frozenset({ShowtimeScheduled, ShowtimeChanged, TicketIssued, TicketVoided}),
    "theaters": frozenset(),
    "catalog": frozenset(
        {TheaterChanged, HallLayoutPublished, HallClosed, TicketIssued, TicketVoided, UserErased},
    ),
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
            *(UserRegistered, UserVerified, UserChanged, UserErased),
            *(ShowtimeScheduled, ShowtimeChanged, ShowtimeCancelled),
            *(SeatHeld, SeatsReleased, SeatsSold, SeatsLost),
            InvariantsChecked,
        }
    ),
}


def routing_key(event: type[Event]) -> str:
    return f"{event.by}.{event.__name__}"


def consumers(name: str) -> list[str]:
    """The services that listen to the event called `name`."""
    return [service for service, events in SUBSCRIPTIONS.items() if EVENTS[name] in events]
