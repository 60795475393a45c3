import string
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from services.shared.ids import new_id
from services.ticketing import wording
from services.ticketing.models import (
    Closing,
    Intent,
    LetterKind,
    Method,
    Order,
    OrderStatus,
    Refund,
    RefundCause,
    RefundTo,
)
from services.ticketing.tests.facts import make_order, make_showtime
from services.ticketing.wording import Happening, english, german, papers

TEMPLATES = Path(__file__).parents[1] / "templates"
TABLES = ("STATUS", "CAUSE", "REFUND", "TIMELINE", "METHOD", "TARGET", "TICKET_TYPE", "CATEGORY", "PAPER")
FACTS: dict[str, Any] = {
    "seats": ["F7", "F8"],
    "until": "2026-07-01T18:14:00Z",
    "starts": "2026-12-24T19:30:00Z",
    "amount": 2450,
    "currency": "EUR",
    "method": "card",
    "to": "card",
    "replaced": {"F7": "G7", "F8": "G8"},
    "code": "SPRING",
    "reason": "The projector is broken.",
    "place": "Lichtburg, Saal 2",
}


def order(status: OrderStatus, closing: Closing | None = None, failure: str | None = None, **refund: Any) -> Order:
    made = make_order(make_showtime(timedelta(days=1)), new_id(), 7, 8, status=status, closing=closing)
    made.intents = [Intent(failure=failure)]
    made.refunds = [Refund(amount=2450, currency="EUR", settles=True, **refund)] if refund else []
    return made


def placeholders(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}


@pytest.mark.parametrize("table", TABLES)
def test_every_language_says_everything_with_the_same_facts(table: str) -> None:
    def facts(language: ModuleType) -> dict[str, set[str]]:
        return {key: placeholders("".join(words)) for key, words in getattr(language, table).items()}

    assert facts(english) == facts(german)


@pytest.mark.parametrize("locale", ["en", "de"])
def test_every_status_has_its_words(locale: str) -> None:
    for status in OrderStatus:
        for closing in (None, *Closing):
            assert wording.status_text(order(status, closing), locale)
    for status in wording.REFUND_STATUSES:
        for to in RefundTo:
            for cause in RefundCause:
                assert "24" in wording.status_text(order(status, to=to, cause=cause), locale)


@pytest.mark.parametrize("locale", ["en", "de"])
@pytest.mark.parametrize("kind", Happening)
def test_every_happening_has_its_words(kind: Happening, locale: str) -> None:
    what, detail = wording.happened(kind, FACTS, "Europe/Berlin", locale)
    assert what
    assert "{" not in detail


def test_every_way_to_pay_and_to_refund_has_a_name() -> None:
    assert set(english.METHOD) == {*Method}
    assert set(english.TARGET) == {*RefundTo}


def test_times_are_those_of_the_theater() -> None:
    assert wording.status_text(order(OrderStatus.AWAITING_PAYMENT)) == "Your seats are yours until 20:14."
    assert wording.happened(Happening.HELD, FACTS, "America/New_York").detail == "F7, F8 until 14:14."
    assert wording.happened(Happening.SHOWTIME_MOVED, FACTS, "Europe/Berlin").detail.endswith(
        "Thursday 24 December, 20:30."
    )


def test_a_declined_payment_says_that_nothing_was_charged_and_the_seats_are_held() -> None:
    told = wording.status_text(order(OrderStatus.AWAITING_PAYMENT, failure="card_declined"))
    assert told == "The payment did not go through; nothing was charged. Your seats are still held until 20:14."


def test_a_refund_says_why_how_much_and_where_to() -> None:
    lost = order(OrderStatus.REFUNDED, to=RefundTo.CARD, cause=RefundCause.SEATS_LOST)
    told = wording.status_text(lost)
    assert "the seats had gone" in told
    assert "€24.50 has gone back to your card" in told
    assert "24,50 €" in wording.status_text(lost, "de-AT").replace("\N{NO-BREAK SPACE}", " ")


def test_money_has_as_many_decimals_as_its_currency() -> None:
    assert wording.money(2450, "JPY", "en").endswith("2,450")
    assert wording.money(2450, "EUR", None) == "€24.50"


@pytest.mark.parametrize(
    ("locale", "language"),
    [("de", "de"), ("de-CH", "de"), ("de_AT", "de"), ("DE", "de"), ("fr", "en"), ("", "en"), (None, "en")],
)
def test_the_language_follows_from_the_locale(locale: str | None, language: str) -> None:
    assert wording.language(locale) == language


def test_the_clock_of_the_facts_is_read_with_its_zone() -> None:
    assert wording.time_of_day(datetime(2026, 1, 1, 23, 30, tzinfo=UTC), "Europe/Berlin", "de") == "00:30"


def test_every_letter_is_written_in_every_language() -> None:
    wanted = {f"{kind}.{name}.{form}" for kind in LetterKind for name in wording.SENTENCES for form in ("html", "txt")}
    assert {path.name for path in TEMPLATES.iterdir()} == wanted | {"layout.html"}


def test_a_film_is_told_by_its_picture_and_its_language() -> None:
    assert papers.edition("imax", "pt-BR", "en") == "IMAX, Portuguese"
    assert papers.edition("2d", "en", "de-AT") == "2D, Englisch"
    # What nobody has a name for is told as it is.
    assert papers.edition("8d", "not a language", "en") == "8d, not a language"
