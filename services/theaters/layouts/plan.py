"""Seats listed one by one."""

from collections.abc import Iterator
from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic_core import InitErrorDetails

from services.shared.events import LayoutSeat
from services.shared.schemas import Count, Input
from services.theaters.layouts.faults import MOST_SEATS, Category, Label, Place, fault, refuse, repeated

Position = Annotated[float, Field(ge=-10_000, le=10_000, allow_inf_nan=False)]
Feature = Annotated[str, Field(min_length=1, max_length=40)]


class PlannedSeat(Input):
    """`x` and `y` in seat widths from the hall's front left corner, as the audience sees it."""

    seat_no: Annotated[int, Field(strict=True, ge=1, le=MOST_SEATS)] | None = None
    label: Label
    row: Annotated[str, Field(min_length=1, max_length=8)]
    number: Count
    category: Category = "standard"
    x: Position
    y: Position
    features: Annotated[list[Feature], Field(max_length=10)] = []


class SeatPlan(Input):
    """Every seat. `seat_no` for all seats or for none: then they are counted in reading order."""

    seats: Annotated[list[PlannedSeat], Field(min_length=1, max_length=MOST_SEATS)]

    @model_validator(mode="after")
    def refuse_nonsense(self) -> Self:
        refuse([*self._repeated(), *self._half_numbered()])
        return self

    def draw(self) -> list[LayoutSeat]:
        """In reading order."""
        ordered = sorted(self.seats, key=lambda seat: (seat.y, seat.x))
        return [
            LayoutSeat(**seat.model_dump(exclude={"seat_no"}), seat_no=seat.seat_no or count)
            for count, seat in enumerate(ordered, 1)
        ]

    def _repeated(self) -> Iterator[InitErrorDetails]:
        def at(place: int, field: str) -> Place:
            return "seats", place, field

        seats = list(enumerate(self.seats))
        yield from repeated(((at(place, "label"), seat.label) for place, seat in seats), "this label")
        yield from repeated(((at(place, "number"), (seat.row, seat.number)) for place, seat in seats), "this number")
        yield from repeated(((at(place, "x"), (seat.x, seat.y)) for place, seat in seats), "a seat at this position")
        numbered = [(place, seat) for place, seat in seats if seat.seat_no is not None]
        yield from repeated(((at(place, "seat_no"), seat.seat_no) for place, seat in numbered), "this seat_no")

    def _half_numbered(self) -> Iterator[InitErrorDetails]:
        missing = [place for place, seat in enumerate(self.seats) if seat.seat_no is None]
        if len(missing) < len(self.seats):
            for place in missing:
                yield fault("give seat_no to all seats or to none", "seats", place, "seat_no")
