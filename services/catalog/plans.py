"""What a manager decides about a showtime, and what follows from it: its times and its prices."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Annotated, Literal, NamedTuple, Self
from uuid import UUID

from pydantic import AwareDatetime, Field

from services.catalog.errors import PricesIncomplete
from services.shared.errors import ValidationFailed
from services.shared.events import Price
from services.shared.schemas import Amount, Currency, Input

ADVERTS_MINUTES = 15
CLEANING_MINUTES = 15
FURTHEST = timedelta(days=730)

Format = Literal["2d", "3d", "imax", "4dx"]
TicketType = Literal["adult", "child", "student", "senior"]
Category = Literal["standard", "premium", "vip", "couple", "accessible", "companion"]
Accessibility = Literal["captioned", "audio_described"]
Language = Annotated[str, Field(min_length=1, max_length=40, examples=["en"])]
# Before the start; negative is after it.
SalesCloseMinutes = Annotated[int, Field(strict=True, ge=-30, le=1_440)]

# Nobody pays more for needing a place for a wheelchair, or for coming along.
FALLBACK: dict[str, str] = {"accessible": "standard", "companion": "standard"}


class AskedPrice(Input):
    """`amount` in minor units."""

    category: Category
    ticket_type: TicketType
    amount: Amount


Prices = Annotated[list[AskedPrice], Field(max_length=100)]


class Offer(Input):
    """A showtime without its time. `sales_close_minutes` counts back from the start; `currency` is by default the
    platform's."""

    movie_id: UUID
    hall_id: UUID
    format: Format
    language: Language
    subtitles: Language | None = None
    accessibility: Annotated[list[Accessibility], Field(max_length=2)] = []
    prices: Prices
    currency: Currency | None = None
    sales_close_minutes: SalesCloseMinutes = 0
    single_seat_rule: Annotated[bool, Field(strict=True)] = True


class Plan(Offer):
    starts_at: AwareDatetime


class Slot(NamedTuple):
    """Aware UTC. The hall is taken from `starts_at` to `busy_until`."""

    starts_at: datetime
    ends_at: datetime
    busy_until: datetime

    @classmethod
    def of(cls, starts_at: datetime, runtime_minutes: int) -> Self:
        start = starts_at.astimezone(UTC)
        end = start + timedelta(minutes=ADVERTS_MINUTES + runtime_minutes)
        return cls(start, end, end + timedelta(minutes=CLEANING_MINUTES))

    def overlaps(self, other: Self) -> bool:
        return self.starts_at < other.busy_until and other.starts_at < self.busy_until


def refuse_time(starts_at: datetime, pointer: str = "/body/starts_at") -> None:
    """Raises ValidationFailed for a start that has passed or is years away."""
    now = datetime.now(UTC)
    if not now < starts_at < now + FURTHEST:
        message = f"has to be in the future, within {FURTHEST.days} days"
        raise ValidationFailed(errors=[{"pointer": pointer, "message": message}])


def refuse_crowding(slots: Sequence[Slot]) -> None:
    """Raises ValidationFailed if slots, in order of their start, overlap each other."""
    if any(left.overlaps(right) for left, right in pairwise(slots)):
        message = "two of them are closer together than the film with adverts and cleaning is long"
        raise ValidationFailed(errors=[{"pointer": "/body/times", "message": message}])


def resolve(asked: Sequence[AskedPrice], currency: str, categories: Iterable[str]) -> list[Price]:
    """The prices of each category of the hall. Raises ValidationFailed, PricesIncomplete."""
    wanted = sorted(set(categories))
    refuse_prices(asked, {*wanted, *FALLBACK.values()})
    offered = {category: amounts(asked, category) for category in wanted}
    if incomplete := [category for category in wanted if "adult" not in offered[category]]:
        raise PricesIncomplete(categories=incomplete)
    return [
        Price(category=category, ticket_type=ticket_type, amount=amount, currency=currency)
        for category in wanted
        for ticket_type, amount in offered[category].items()
    ]


def amounts(asked: Sequence[AskedPrice], category: str) -> dict[TicketType, int]:
    """What a seat of the category costs by ticket type: its own prices and, beneath them, those it falls back to."""
    layers = (FALLBACK.get(category), category)
    return {price.ticket_type: price.amount for layer in layers for price in asked if price.category == layer}


def refuse_prices(asked: Sequence[AskedPrice], known: set[str]) -> None:
    """Raises ValidationFailed for categories that the hall doesn't have and for prices that are named twice."""
    errors = []
    seen = set()
    for place, price in enumerate(asked):
        key = price.category, price.ticket_type
        if price.category not in known:
            errors.append({"pointer": f"/body/prices/{place}/category", "message": "the hall has no such category"})
        if key in seen:
            errors.append({"pointer": f"/body/prices/{place}", "message": "this price stands here for the second time"})
        seen.add(key)
    if errors:
        raise ValidationFailed(errors=errors)
