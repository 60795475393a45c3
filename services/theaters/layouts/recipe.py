"""Seats drawn from a recipe: a grid, and what is special in it."""

import re
from bisect import bisect_left
from collections.abc import Iterator
from functools import cached_property
from itertools import islice, product
from string import ascii_uppercase
from typing import Annotated, NamedTuple, Self

from pydantic import Field, model_validator
from pydantic_core import InitErrorDetails

from services.shared.events import LayoutSeat
from services.shared.schemas import Input
from services.theaters.layouts.faults import MOST_SEATS, Category, Place, fault, refuse, repeated

# I and O look like 1 and 0 on a ticket.
LETTERS = [letter for letter in ascii_uppercase if letter not in "IO"]
MOST_ROWS = len(LETTERS) + len(LETTERS) ** 2

COUPLE = re.compile(r"(?P<row>[A-Z]{1,2})(?P<left>\d{1,4})-(?P=row)(?P<right>\d{1,4})")
LISTS: tuple[Category, ...] = ("accessible", "companion")

Size = Annotated[int, Field(strict=True, ge=1, le=MOST_SEATS)]
Labels = Annotated[list[Annotated[str, Field(max_length=16)]], Field(max_length=MOST_SEATS)]


def row_names(count: int) -> list[str]:
    """A, B, ... Z, AA, AB, ... without I and O."""
    pairs = ("".join(pair) for pair in product(LETTERS, repeat=2))
    return [*LETTERS[:count], *islice(pairs, max(0, count - len(LETTERS)))]


class Special(NamedTuple):
    """What the recipe says of one seat."""

    category: Category
    feature: str


class Recipe(Input):
    """Numbers are the grid's columns: a gap takes a seat away and renumbers nobody, an aisle is one seat wide."""

    rows: Annotated[int, Field(strict=True, ge=1, le=MOST_ROWS)]
    seats_per_row: Size
    aisles_after: Annotated[list[Size], Field(max_length=MOST_SEATS)] = []
    categories: dict[Category, Annotated[list[str], Field(max_length=MOST_ROWS)]] = {}
    accessible: Labels = []
    companion: Labels = []
    couples: Annotated[Labels, Field(examples=[["K1-K2"]])] = []
    gaps: Labels = []

    @model_validator(mode="after")
    def refuse_nonsense(self) -> Self:
        size = self.rows * self.seats_per_row - len(set(self.gaps))
        if size > MOST_SEATS:
            refuse([fault(f"makes {size} seats; a hall has up to {MOST_SEATS}", "rows", given=self.rows)])
        refuse([*self._row_faults(), *self._aisle_faults(), *self._couple_faults(), *self._label_faults()])
        if size < 1:
            refuse([fault("leaves no seat", "gaps")])
        return self

    def draw(self) -> list[LayoutSeat]:
        """In reading order; `y` counts rows, `x` columns and the aisles before them."""
        category_of = {row: category for category, rows in self.categories.items() for row in rows}
        special, gaps, aisles = self._special, set(self.gaps), sorted(self.aisles_after)
        places = (
            (y, row, number)
            for (y, row), number in product(enumerate(self._names), range(1, self.seats_per_row + 1))
            if f"{row}{number}" not in gaps
        )
        seats: list[LayoutSeat] = []
        for y, row, number in places:
            label = f"{row}{number}"
            category, feature = special.get(label, (category_of.get(row, "standard"), ""))
            beside_aisle = number in self.aisles_after or number - 1 in self.aisles_after
            seats.append(
                LayoutSeat(
                    seat_no=len(seats) + 1,
                    label=label,
                    row=row,
                    number=number,
                    category=category,
                    x=number - 1 + bisect_left(aisles, number),
                    y=y,
                    features=[*([feature] if feature else []), *(["aisle"] if beside_aisle else [])],
                )
            )
        return seats

    @cached_property
    def _names(self) -> list[str]:
        return row_names(self.rows)

    @cached_property
    def _labels(self) -> set[str]:
        return {f"{row}{number}" for row, number in product(self._names, range(1, self.seats_per_row + 1))}

    @property
    def _special(self) -> dict[str, Special]:
        special = {label: Special(kind, kind) for kind in LISTS for label in getattr(self, kind)}
        for pair in self.couples:
            special |= dict.fromkeys(pair.split("-"), Special("couple", f"couple:{pair}"))
        return special

    def _row_faults(self) -> Iterator[InitErrorDetails]:
        named: list[tuple[Place, str]] = [
            (("categories", category, place), row)
            for category, rows in self.categories.items()
            for place, row in enumerate(rows)
        ]
        yield from repeated(named, "this row")
        for place, row in named:
            if row not in self._names:
                yield fault(f"there is no row {row}", *place, given=row)

    def _aisle_faults(self) -> Iterator[InitErrorDetails]:
        yield from repeated(((("aisles_after", place), aisle) for place, aisle in enumerate(self.aisles_after)), "it")
        for place, aisle in enumerate(self.aisles_after):
            if aisle >= self.seats_per_row:
                yield fault("an aisle is between two seats", "aisles_after", place, given=aisle)

    def _couple_faults(self) -> Iterator[InitErrorDetails]:
        for place, pair in enumerate(self.couples):
            match = COUPLE.fullmatch(pair)
            if not match or int(match["right"]) != int(match["left"]) + 1 or int(match["left"]) in self.aisles_after:
                yield fault("a couple is two neighbours, as in K1-K2", "couples", place, given=pair)

    def _label_faults(self) -> Iterator[InitErrorDetails]:
        """Each label is in the grid, and only one thing is said of it."""
        named: list[tuple[Place, str]] = [
            ((kind, place), label)
            for kind in (*LISTS, "couples", "gaps")
            for place, entry in enumerate(getattr(self, kind))
            for label in (entry.split("-") if kind == "couples" else [entry])
        ]
        yield from repeated(named, "this seat")
        for place, label in named:
            if label not in self._labels:
                yield fault(f"there is no seat {label}", *place, given=label)
