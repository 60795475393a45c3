"""What customers read about their orders: short, warm, exact, in the languages of SENTENCES.

What is stored is what happened and the facts of it; the words are chosen when somebody reads them.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from babel.dates import format_datetime, format_time
from babel.numbers import format_currency, get_currency_precision

from services.ticketing.models import Order, OrderStatus, Refund
from services.ticketing.wording import english, german

SENTENCES = {"en": english, "de": german}
UNPAID = (OrderStatus.AWAITING_PAYMENT, OrderStatus.PAYING)
REFUND_STATUSES = (OrderStatus.REFUNDING, OrderStatus.REFUNDED, OrderStatus.REFUND_FAILED)


class Happening(StrEnum):
    """What a timeline row is about; in brackets the facts it needs."""

    HELD = "held"  # seats: ["F7", "F8"], until: time
    PAYMENT_STARTED = "payment_started"
    PAYMENT_FAILED = "payment_failed"
    PAID = "paid"  # amount, currency, method
    PAID_LATE = "paid_late"
    ISSUED = "issued"  # seats
    SEATS_REPLACED = "seats_replaced"  # replaced: {"F7": "G7"}
    SEATS_LOST = "seats_lost"
    CLOSING = "closing"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    SEATS_CANCELLED = "seats_cancelled"  # seats
    SHOWTIME_MOVED = "showtime_moved"  # starts: time
    SHOWTIME_PLACED = "showtime_placed"  # place
    SHOWTIME_CANCELLED = "showtime_cancelled"  # reason
    PROMO_APPLIED = "promo_applied"  # code, amount, currency
    PROMO_REMOVED = "promo_removed"  # amount, currency
    PRICE_KEPT = "price_kept"  # amount, currency
    REFUND_STARTED = "refund_started"  # amount, currency, to
    REFUNDED = "refunded"  # amount, currency, to
    REFUND_FAILED = "refund_failed"  # amount, currency, to
    TICKETS_SENT = "tickets_sent"
    DISPUTED = "disputed"
    DISPUTE_CLOSED = "dispute_closed"
    DISPUTE_LOST = "dispute_lost"  # amount, currency


class Entry(NamedTuple):
    """A line of the timeline."""

    what: str
    detail: str


def language(locale: str | None) -> str:
    """The language we have for a BCP 47 tag; English where we have none."""
    primary = (locale or "").replace("_", "-").partition("-")[0].lower()
    return primary if primary in SENTENCES else "en"


def money(amount: int, currency: str, locale: str | None) -> str:
    """Minor units as people write them; the currency says how many of them make one of the major."""
    major = amount / 10 ** get_currency_precision(currency)
    return format_currency(major, currency, locale=SENTENCES[language(locale)].LOCALE)


def time_of_day(at: datetime, timezone: str, locale: str | None) -> str:
    return format_time(at, "short", tzinfo=ZoneInfo(timezone), locale=SENTENCES[language(locale)].LOCALE)


def day_and_time(at: datetime, timezone: str, locale: str | None) -> str:
    sentences = SENTENCES[language(locale)]
    return format_datetime(at, sentences.DAY_AND_TIME, tzinfo=ZoneInfo(timezone), locale=sentences.LOCALE)


def status_text(order: Order, locale: str | None = None) -> str:
    """Where an order stands, and what that means for the seats and the money. Needs its intents and refunds."""
    settling = next((refund for refund in reversed(order.refunds) if refund.settles), None)
    if order.status in REFUND_STATUSES and settling is not None:
        return refund_text(settling, order.status, locale)
    table = SENTENCES[language(locale)].STATUS
    state = "closing" if order.closing and order.status in UNPAID else order.status
    declined = order.status == OrderStatus.AWAITING_PAYMENT and any(intent.failure for intent in order.intents)
    sentence = table.get(f"{state}.{order.closing or (declined and 'declined')}", table[state])
    return str(sentence.format(until=time_of_day(order.expires_at, order.showtime["timezone"], locale)))


def refund_text(refund: Refund, status: str, locale: str | None = None) -> str:
    """Why money goes back, and where it is: `refunding`, `refunded` or `refund_failed`."""
    sentences = SENTENCES[language(locale)]
    where = sentences.REFUND[f"{status}.{refund.to}"]
    cause = sentences.CAUSE[refund.cause]
    return f"{cause} {where.format(money=money(refund.amount, refund.currency, locale))}".strip()


def cancellation_text(refund: Refund | None, locale: str | None = None) -> str:
    """That the cinema has cancelled a showtime, and what becomes of the money, if there was any."""
    if refund is not None:
        return refund_text(refund, "refunding", locale)
    return str(SENTENCES[language(locale)].CAUSE["showtime_cancelled"])


def happened(kind: str, facts: Mapping[str, Any], timezone: str, locale: str | None = None) -> Entry:
    """A line of the timeline; times in the theater's `timezone`."""
    sentences = SENTENCES[language(locale)]
    what, detail = sentences.TIMELINE[kind]
    return Entry(what, detail.format_map(told(facts, timezone, locale)))


def told(facts: Mapping[str, Any], timezone: str, locale: str | None) -> dict[str, str]:
    """The facts of a timeline row as they stand in its sentence."""
    sentences = SENTENCES[language(locale)]
    said = {name: str(fact) for name, fact in facts.items()}
    if "amount" in facts:
        said["money"] = money(facts["amount"], facts["currency"], locale)
    for name, words in (("method", sentences.METHOD), ("to", sentences.TARGET)):
        if name in facts:
            said[name] = words[facts[name]]
    if "seats" in facts:
        said["seats"] = ", ".join(facts["seats"])
    if "replaced" in facts:
        said["replaced"] = ", ".join(f"{old} → {new}" for old, new in facts["replaced"].items())
    return said | times(facts, timezone, locale)


def times(facts: Mapping[str, Any], timezone: str, locale: str | None) -> dict[str, str]:
    forms = {"until": time_of_day, "starts": day_and_time}
    return {
        name: form(datetime.fromisoformat(facts[name]), timezone, locale)
        for name, form in forms.items()
        if name in facts
    }
