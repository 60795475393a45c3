"""The words on tickets and receipts."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal

from services.ticketing.wording import SENTENCES, language

FORMATS = {"2d": "2D", "3d": "3D", "imax": "IMAX", "4dx": "4DX"}


def words(locale: str | None) -> Mapping[str, str]:
    found: Mapping[str, str] = SENTENCES[language(locale)].PAPER
    return found


def ticket_type(name: str, locale: str | None) -> str:
    return str(SENTENCES[language(locale)].TICKET_TYPE.get(name, name))


def category(name: str, locale: str | None) -> str:
    return str(SENTENCES[language(locale)].CATEGORY.get(name, name))


def method(name: str, locale: str | None) -> str:
    return str(SENTENCES[language(locale)].METHOD[name])


def target(name: str, locale: str | None) -> str:
    return str(SENTENCES[language(locale)].TARGET[name])


def long_day(at: datetime, timezone: str, locale: str | None) -> str:
    """With weekday and year, in the theater's `timezone`."""
    sentences = SENTENCES[language(locale)]
    return format_datetime(at, sentences.DAY, tzinfo=ZoneInfo(timezone), locale=sentences.LOCALE)


def short_date(at: datetime, timezone: str, locale: str | None) -> str:
    local = at.astimezone(ZoneInfo(timezone))
    return format_date(local, "medium", locale=SENTENCES[language(locale)].LOCALE)


def percentage(value: Decimal, locale: str | None) -> str:
    return format_decimal(value, locale=SENTENCES[language(locale)].LOCALE)


def edition(picture: str, spoken: str, locale: str | None) -> str:
    """How and in which language a film is shown: `2D, German` for `2d` and the BCP 47 tag `de`."""
    return f"{FORMATS.get(picture, picture)}, {language_name(spoken, locale)}"


def language_name(tag: str, locale: str | None) -> str:
    """The tag itself where nobody has a name for it."""
    try:
        name = Locale.parse(tag, sep="-").get_language_name(SENTENCES[language(locale)].LOCALE)
    except (UnknownLocaleError, ValueError):
        return tag
    return name or tag
