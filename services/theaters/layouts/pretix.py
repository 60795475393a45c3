"""Seating plans as pretix's editor saves them.

Their schema: `src/pretix/static/seating/seating-plan.schema.json` of pretix. Only what makes a seat is read; areas,
colours, texts and whatever a later editor adds are not. The stage is at the top.
"""

from collections.abc import Iterator
from functools import cached_property
from typing import Annotated, NamedTuple, Self

from pydantic import ConfigDict, Field, model_validator
from pydantic_core import InitErrorDetails

from services.shared.events import LayoutSeat
from services.shared.schemas import Input
from services.theaters.layouts import tracing
from services.theaters.layouts.faults import MOST_SEATS, Category, Place, fault, refuse, repeated

# What names of categories are known by, in English and German; the first that is found decides.
CATEGORIES: tuple[tuple[Category, tuple[str, ...]], ...] = (
    ("companion", ("companion", "carer", "begleit")),
    ("accessible", ("accessible", "wheelchair", "rollstuhl", "barrierefrei")),
    ("couple", ("couple", "love seat", "loveseat", "pärchen", "kuschel")),
    ("vip", ("vip",)),
    ("premium", ("premium",)),
)

Pixels = Annotated[float, Field(ge=-1_000_000, le=1_000_000, allow_inf_nan=False)]
Text = Annotated[str, Field(max_length=200)]


class Part(Input):
    """Fields that are not read are let through: later editors have added some."""

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)


class Position(Part):
    """Relative to what the thing is in."""

    x: Pixels = 0
    y: Pixels = 0


class PretixCategory(Part):
    name: Text


class PretixSeat(Part):
    seat_guid: Text
    seat_number: Text
    position: Position
    category: Text


class PretixRow(Part):
    row_number: Text
    position: Position = Position()
    seats: Annotated[list[PretixSeat], Field(max_length=MOST_SEATS)]


class PretixZone(Part):
    name: Text | None = None
    position: Position
    rows: Annotated[list[PretixRow], Field(max_length=MOST_SEATS)]


class Spot(NamedTuple):
    """A seat and where it stands in the file."""

    place: Place
    seat: PretixSeat


class PretixPlan(Part):
    name: Annotated[str, Field(min_length=1, max_length=120)]
    categories: Annotated[list[PretixCategory], Field(max_length=MOST_SEATS)]
    zones: Annotated[list[PretixZone], Field(max_length=MOST_SEATS)]

    @model_validator(mode="after")
    def refuse_nonsense(self) -> Self:
        count = len(self._spots)
        if not 0 < count <= MOST_SEATS:
            refuse([fault(f"has {count} seats; a hall has 1 to {MOST_SEATS}", "zones")])
        refuse([*self._seat_faults(), *self._row_faults()])
        return self

    def draw(self) -> list[LayoutSeat]:
        """In reading order. Rows that bear the same name get different ones, unless they are parts of one row."""
        return tracing.draw(self._rows())

    @cached_property
    def _spots(self) -> list[Spot]:
        return [
            Spot(("zones", z, "rows", r, "seats", s), seat)
            for z, zone in enumerate(self.zones)
            for r, row in enumerate(zone.rows)
            for s, seat in enumerate(row.seats)
        ]

    def _rows(self) -> list[tracing.Row]:
        return [self._row(zone, row) for zone in self.zones for row in zone.rows if row.seats]

    def _row(self, zone: PretixZone, row: PretixRow) -> tracing.Row:
        left, top = zone.position.x + row.position.x, zone.position.y + row.position.y
        spots = [
            tracing.Spot(
                x=left + seat.position.x,
                y=top + seat.position.y,
                text=tracing.seat_text(seat.seat_number, row.row_number),
                category=category(seat.category),
            )
            for seat in row.seats
        ]
        return tracing.Row(zone.name or "", tracing.row_name(row.row_number), sorted(spots))

    def _seat_faults(self) -> Iterator[InitErrorDetails]:
        known = {category.name for category in self.categories}
        yield from repeated((((*place, "seat_guid"), seat.seat_guid) for place, seat in self._spots), "this seat_guid")
        for place, seat in self._spots:
            if seat.category and seat.category not in known:
                yield fault("there is no such category", *place, "category", given=seat.category)

    def _row_faults(self) -> Iterator[InitErrorDetails]:
        for z, zone in enumerate(self.zones):
            for r, row in enumerate(zone.rows):
                yield from row_faults(row, ("zones", z, "rows", r))


def row_faults(row: PretixRow, place: Place) -> Iterator[InitErrorDetails]:
    if len(tracing.row_name(row.row_number)) > tracing.LONGEST_ROW:
        longest = f"the name of a row has up to {tracing.LONGEST_ROW} characters"
        yield fault(longest, *place, "row_number", given=row.row_number)
    texts = [tracing.seat_text(seat.seat_number, row.row_number) for seat in row.seats]
    numbered = [((*place, "seats", s, "seat_number"), text) for s, text in enumerate(texts) if text]
    yield from repeated(numbered, "this number")
    for where, text in numbered:
        if len(text) > tracing.LONGEST_NUMBER:
            yield fault(f"a seat's number has up to {tracing.LONGEST_NUMBER} characters", *where, given=text)
    at = (((*place, "seats", s, "position"), (seat.position.x, seat.position.y)) for s, seat in enumerate(row.seats))
    yield from repeated(at, "a seat at this position")


def category(name: str) -> Category:
    """Ours, for the name of one of theirs."""
    lower = name.casefold()
    return next((ours for ours, words in CATEGORIES if any(word in lower for word in words)), "standard")
