"""Seats that were drawn by hand, traced: from pixels to seat widths, each row to its blocks, each seat to its label."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, count, pairwise
from math import dist
from statistics import fmean, median
from typing import NamedTuple

from services.shared.events import LayoutSeat
from services.shared.schemas import INT4_MAX
from services.theaters.layouts.faults import Category
from services.theaters.layouts.recipe import MOST_ROWS, row_names

LONGEST_ROW = 8
LONGEST_NUMBER = 6
# Between two seats, where no row has two.
USUAL_PIXELS = 25.0
# Neighbours are about one seat width apart; from here on it is an aisle or a gap.
GAP = 1.4
# What rises by more than this share of its width is a table or a box: its seats stay where they are.
STEEP = 0.5

PREFIX = re.compile(r"(row|reihe)\b[\s.:]*(?=\w)", re.IGNORECASE)
UNFIT = re.compile(r"\W+")


class Spot(NamedTuple):
    """A seat in pixels. `text` is what stands on it; empty where nothing does."""

    x: float
    y: float
    text: str
    category: Category


@dataclass(frozen=True)
class Row:
    """A row of a zone, its spots from left to right."""

    zone: str
    name: str
    spots: Sequence[Spot]

    def continues(self, other: "Row", width: float) -> bool:
        """Whether both are parts of one row: level, and no number twice."""
        level = abs(fmean(spot.y for spot in self.spots) - fmean(spot.y for spot in other.spots)) < width / 2
        return level and {spot.text for spot in self.spots}.isdisjoint(spot.text for spot in other.spots)


class Traced(NamedTuple):
    """A seat in seat widths, in the row that it ends up in."""

    row: str
    x: float
    y: float
    spot: Spot


def row_name(text: str) -> str:
    """`Row A` and `Reihe A` are `A`."""
    return UNFIT.sub("-", PREFIX.sub("", text.strip())).strip("-")


def seat_text(text: str, row: str) -> str:
    """`A12` in row `A` is `12`, and so is `7-12` in row `7`."""
    name, parts = row_name(row), UNFIT.sub(" ", text).split()
    if len(parts) > 1 and parts[0] == name:
        parts = parts[1:]
    own = "".join(parts)
    rest = own.removeprefix(name)
    return rest if name.isalpha() and rest.isdecimal() else own


def draw(rows: Sequence[Row]) -> list[LayoutSeat]:
    """From the front to the back, each row from left to right."""
    width = seat_width(rows)
    traced = sorted(trace(name_rows([numbered(row) for row in rows], width), width), key=lambda seat: (seat.y, seat.x))
    left, front = min(seat.x for seat in traced), min(seat.y for seat in traced)
    by_row: dict[str, list[Traced]] = defaultdict(list)
    for seat in traced:
        by_row[seat.row].append(seat._replace(x=seat.x - left, y=seat.y - front))
    ordered = sorted(by_row.values(), key=lambda row: (fmean(seat.y for seat in row), row[0].x))
    places = count(1)
    return [
        seat.model_copy(update={"seat_no": place})
        for row in ordered
        for seat, place in zip(label(sorted(row, key=lambda seat: seat.x)), places, strict=False)
    ]


def seat_width(rows: Sequence[Row]) -> float:
    """Pixels from one seat to the next, as it mostly is."""
    apart = [dist(left[:2], right[:2]) for row in rows for left, right in pairwise(row.spots)]
    return median([pixels for pixels in apart if pixels > 0] or [USUAL_PIXELS])


def numbered(row: Row) -> Row:
    """With numbers from the left, if one of its seats has none."""
    if all(spot.text for spot in row.spots):
        return row
    return replace(row, spots=[spot._replace(text=str(place)) for place, spot in enumerate(row.spots, 1)])


def name_rows(rows: Sequence[Row], width: float) -> Mapping[str, Sequence[Row]]:
    """Rows by names of their own; parts of one row share theirs."""
    named: dict[str, list[Row]] = {}
    unused, latest = iter(row_names(MOST_ROWS)), dict[str, int]()
    for row in rows:
        possible = names(row, unused, latest)
        name = next(name for name in possible if all(row.continues(other, width) for other in named.get(name, ())))
        named.setdefault(name, []).append(row)
    return named


def names(row: Row, unused: Iterator[str], latest: dict[str, int]) -> Iterator[str]:
    """What a row may be called, the best first: as it is, with its zone, with a number; A, B, C if it has no name.

    `latest`: the numbers that rows have got to already.
    """
    if not row.name:
        yield from unused
    name, zone = row.name or "A", UNFIT.sub("", row.zone)[:1].upper()
    yield name
    if zone and len(name) + 2 <= LONGEST_ROW:
        yield f"{zone}-{name}"
    for number in count(latest.get(name, 2)):
        latest[name] = number
        yield f"{name[: LONGEST_ROW - len(str(number)) - 1]}-{number}"


def trace(named: Mapping[str, Sequence[Row]], width: float) -> Iterator[Traced]:
    taken: set[tuple[float, float]] = set()
    for name, row in ((name, part) for name, parts in named.items() for part in parts):
        for x, spot in zip(places(row.spots, width), row.spots, strict=True):
            y = next(y for y in count(quarter(spot.y / width), 0.25) if (x, y) not in taken)
            taken.add((x, y))
            yield Traced(name, x, y, spot)


def places(spots: Sequence[Spot], width: float) -> list[float]:
    """Where the seats of a row stand, so that neighbours, on a curve too, are exactly 1 apart, and others are not."""
    heights = [spot.y for spot in spots]
    if max(heights) - min(heights) > STEEP * (spots[-1].x - spots[0].x):
        return [quarter(spot.x / width) for spot in spots]
    steps = [step(dist(left[:2], right[:2]) / width) for left, right in pairwise(spots)]
    middle = (spots[0].x + spots[-1].x) / 2 / width
    return list(accumulate(steps, initial=quarter(middle - sum(steps) / 2)))


def step(widths: float) -> float:
    return 1.0 if widths < GAP else max(1.5, round(2 * widths) / 2)


def quarter(widths: float) -> float:
    """Fractions that floats can say, so that what is 1 apart stays so."""
    return round(4 * widths) / 4


def label(row: Sequence[Traced]) -> list[LayoutSeat]:
    """The seats of one row, from left to right. `number` is what stands on them, where these are numbers."""
    texts = [seat.spot.text for seat in row]
    as_numbers = {int(text) for text in texts if text.isdecimal() and int(text) <= INT4_MAX}
    numbers = map(int, texts) if len(as_numbers) == len(row) else count(1)
    seats = [
        LayoutSeat(
            seat_no=1,
            label=seat.row + ("" if seat.row.isalpha() and seat.spot.text.isdecimal() else "-") + seat.spot.text,
            row=seat.row,
            number=number,
            category=seat.spot.category,
            x=seat.x,
            y=seat.y,
            features=[seat.spot.category] if seat.spot.category in ("accessible", "companion") else [],
        )
        for seat, number in zip(row, numbers, strict=False)
    ]
    return pair_up(seats)


def pair_up(seats: Sequence[LayoutSeat]) -> list[LayoutSeat]:
    """Neighbours among the couple seats belong together, two by two."""
    paired = list(seats)
    for place, (left, right) in enumerate(pairwise(seats)):
        free = not any(feature.startswith("couple:") for feature in paired[place].features)
        if free and left.category == right.category == "couple" and right.x - left.x == 1:
            both = [f"couple:{left.label}-{right.label}"]
            paired[place : place + 2] = (seat.model_copy(update={"features": both}) for seat in (left, right))
    return paired
