"""The rolling schedule: a pure function from films, theaters and a day to showtimes."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from uuid import UUID

from infra.demo.data import Category, Film, Hall, Theater, TicketType
from infra.demo.ids import demo_id
from infra.demo.programme import Version, choose, choose_version, films_of_week, seeded

OPENING = time(10, 30)
LAST_START = time(22, 45)
GRID = timedelta(minutes=5)


class Margins(NamedTuple):
    """How long a hall is taken before and after a film."""

    adverts: timedelta
    cleaning: timedelta


MARGINS = Margins(adverts=timedelta(minutes=15), cleaning=timedelta(minutes=15))


class Price(NamedTuple):
    category: Category
    ticket_type: TicketType
    amount: int
    """Minor units of the theater's currency."""


@dataclass(frozen=True)
class ShowtimePlan:
    """One planned showtime; times are UTC."""

    key: str
    """Natural key: the hall's key and the local start, as in `andorinha-lisboa/tejo@2026-03-29T20:15`."""
    film: Film
    theater: Theater
    hall: Hall
    starts_at: datetime
    ends_at: datetime
    """When the film is over: start, adverts, runtime."""
    busy_until: datetime
    """When the hall is clean again."""
    version: Version
    prices: tuple[Price, ...]

    @property
    def id(self) -> UUID:
        return demo_id("showtime", self.key)


def schedule(
    films: Sequence[Film], theaters: Sequence[Theater], today: date, days: int = 14, margins: Margins = MARGINS
) -> list[ShowtimePlan]:
    """Every showtime of `days` calendar days from `today`, in each theater's zone.

    A day's plan depends on the films, the theaters and that day alone: called a day later, the function repeats the
    days it has planned before and adds one.
    """
    return [
        plan
        for offset in range(days)
        for theater in theaters
        for plan in plan_day(films, theater, today + timedelta(days=offset), margins)
    ]


def plan_day(films: Sequence[Film], theater: Theater, day: date, margins: Margins) -> Iterator[ShowtimePlan]:
    """One theater's day; the largest hall chooses first."""
    week = films_of_week(films, theater, day)
    shown: Counter[Film] = Counter()
    for hall in sorted(theater.halls, key=lambda hall: -hall.capacity):
        rng = seeded(hall.key, day)
        start = datetime.combine(day, OPENING) + rng.randrange(10) * GRID
        while start <= datetime.combine(day, LAST_START):
            film = choose(rng, week, hall, start, shown)
            shown[film] += 1
            version = choose_version(rng, film, theater, hall)
            # lengths are added in UTC: a film that runs through a change of the clocks is no longer and no shorter
            starts_at = start.replace(tzinfo=theater.zone).astimezone(UTC)
            ends_at = starts_at + margins.adverts + timedelta(minutes=film.runtime_minutes)
            plan = ShowtimePlan(
                key=f"{hall.key}@{start:%Y-%m-%dT%H:%M}",
                film=film,
                theater=theater,
                hall=hall,
                starts_at=starts_at,
                ends_at=ends_at,
                busy_until=ends_at + margins.cleaning,
                version=version,
                prices=_prices(hall, theater.surcharges.get(version.format, 0)),
            )
            yield plan
            start = _on_grid(plan.busy_until.astimezone(theater.zone).replace(tzinfo=None)) + rng.randrange(4) * GRID


def _prices(hall: Hall, surcharge: int) -> tuple[Price, ...]:
    return tuple(
        Price(category, ticket_type, amount + surcharge)
        for category, amounts in hall.prices.items()
        for ticket_type, amount in amounts.items()
    )


def _on_grid(moment: datetime) -> datetime:
    """The first moment of the grid that is not before this whole minute."""
    return moment + -timedelta(minutes=moment.minute) % GRID
