"""What customers read about their orders: short, warm, exact, in English or German."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from services.ticketing.models import Order

LANGUAGES = ("en", "de")


class Happening(StrEnum):
    """What a timeline row is about; its `facts` fill the placeholders of the sentence."""

    HELD = "held"  # seats: "F7, F8"; expires_at
    PAYMENT_STARTED = "payment_started"
    PAYMENT_FAILED = "payment_failed"  # reason
    PAID = "paid"  # amount, currency, method
    PAID_LATE = "paid_late"
    ISSUED = "issued"  # seats
    SEATS_REPLACED = "seats_replaced"  # replaced: {"F7": "G7"}
    SEATS_LOST = "seats_lost"
    CLOSING = "closing"  # why
    EXPIRED = "expired"
    CANCELLED = "cancelled"  # why
    SEATS_CANCELLED = "seats_cancelled"  # seats
    SHOWTIME_MOVED = "showtime_moved"  # starts_at
    SHOWTIME_CANCELLED = "showtime_cancelled"  # reason
    REFUND_STARTED = "refund_started"  # amount, currency, to
    REFUNDED = "refunded"  # amount, currency, to
    REFUND_FAILED = "refund_failed"  # amount, currency, to


class Entry(NamedTuple):
    what: str
    detail: str


def language(locale: str) -> str:
    """The language we have for a BCP 47 locale; English where we have none."""
    primary = locale.lower().replace("_", "-").partition("-")[0]
    return primary if primary in LANGUAGES else LANGUAGES[0]


def status_text(order: Order, locale: str = "en") -> str:
    """One or two sentences: where the order stands, and what that means for the seats and the money."""
    return order.status


def happened(kind: Happening, facts: Mapping[str, Any], timezone: str, locale: str = "en") -> Entry:
    """A timeline row in words; times in the theater's `timezone`."""
    return Entry(kind, "")
