"""Every event that crosses a service boundary; each module holds those that one service publishes.

Change additively only: consumers ignore fields they do not know, and a snapshot test guards the rest. An event is a
fact in the past tense with the ids and whatever its consumers need, since no consumer asks the publisher back.
Money is in minor units, times are aware UTC.
"""

from services.shared.events.audit import InvariantsChecked, Outcome, Violation
from services.shared.events.catalog import ShowtimeCancelled, ShowtimeChanged, ShowtimeFacts, ShowtimeScheduled
from services.shared.events.parts import Event, Fact, Film, Hall, HeldSeat, LayoutSeat, OfBooking, Price, Theater
from services.shared.events.reservations import SeatHeld, SeatsLost, SeatsReleased, SeatsSold
from services.shared.events.subscriptions import EVENTS, SUBSCRIPTIONS, consumers, routing_key
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
from services.shared.events.users import UserChanged, UserErased, UserFacts, UserRegistered, UserVerified

__all__ = [
    "EVENTS",
    "SUBSCRIPTIONS",
    "Event",
    "Fact",
    "Film",
    "Hall",
    "HallClosed",
    "HallLayoutPublished",
    "HeldSeat",
    "InvariantsChecked",
    "LayoutSeat",
    "OfBooking",
    "OrderRefunded",
    "Outcome",
    "PaymentAbandoned",
    "PaymentFailed",
    "PaymentStarted",
    "PaymentSucceeded",
    "Price",
    "SeatHeld",
    "SeatsLost",
    "SeatsReleased",
    "SeatsSold",
    "ShowtimeCancelled",
    "ShowtimeChanged",
    "ShowtimeFacts",
    "ShowtimeScheduled",
    "Theater",
    "TheaterChanged",
    "TicketIssued",
    "TicketScanned",
    "TicketVoided",
    "UserChanged",
    "UserErased",
    "UserFacts",
    "UserRegistered",
    "UserVerified",
    "Violation",
    "consumers",
    "routing_key",
]
