"""A hall's seats as people sit in them: rows, and within a row the blocks between its aisles."""

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby, pairwise, permutations
from statistics import fmean

from services.shared.events import LayoutSeat

# Seats are neighbours if they are one seat width apart; the rest is what floats do to 1.0.
TOLERANCE = 1e-6
ACCESSIBLE = "accessible"
COMPANION = "companion"

Block = tuple[LayoutSeat, ...]

# The seat beside another one, and the seat beyond it, None at the block's end.
Side = tuple[int, int | None]


@dataclass(frozen=True)
class Plan:
    """One version of one hall's layout."""

    seats: tuple[LayoutSeat, ...]

    @cached_property
    def by_label(self) -> dict[str, LayoutSeat]:
        return {seat.label: seat for seat in self.seats}

    @cached_property
    def by_no(self) -> dict[int, LayoutSeat]:
        return {seat.seat_no: seat for seat in self.seats}

    @cached_property
    def rows(self) -> tuple[tuple[Block, ...], ...]:
        """From the screen to the back, each as its blocks from left to right."""
        by_row = sorted(self.seats, key=lambda seat: (seat.row, seat.x))
        rows = [list(row) for _, row in groupby(by_row, key=lambda seat: seat.row)]
        rows.sort(key=lambda row: fmean(seat.y for seat in row))
        return tuple(tuple(blocks(row)) for row in rows)

    @cached_property
    def block_of(self) -> dict[int, Block]:
        """The block in which a seat stands, by `seat_no`."""
        return {seat.seat_no: block for row in self.rows for block in row for seat in block}

    @cached_property
    def sides(self) -> dict[int, tuple[Side, ...]]:
        """What lies to the left and to the right of each seat, by `seat_no`."""
        return {
            seat.seat_no: tuple(sides(block, index))
            for row in self.rows
            for block in row
            for index, seat in enumerate(block)
        }

    @cached_property
    def halves(self) -> dict[int, int]:
        """The other half of each couple seat, by `seat_no`: theaters mark both with `couple:K1-K2`."""
        pairs: dict[str, list[int]] = {}
        for seat in self.seats:
            for feature in seat.features:
                if feature.startswith("couple:"):
                    pairs.setdefault(feature, []).append(seat.seat_no)
        return {one: other for pair in pairs.values() for one, other in permutations(pair, 2)}

    @cached_property
    def sweet_spot(self) -> tuple[float, float]:
        """Where a film looks and sounds best: in the middle, two thirds back."""
        xs, ys = [seat.x for seat in self.seats], [seat.y for seat in self.seats]
        return (min(xs) + max(xs)) / 2, min(ys) + (max(ys) - min(ys)) * 2 / 3


def blocks(row: Sequence[LayoutSeat]) -> Iterator[Block]:
    """The runs of a row, sorted by `x`, whose seats are exactly one seat width apart."""
    start = 0
    for index, (left, right) in enumerate(pairwise(row), start=1):
        if abs(right.x - left.x - 1.0) > TOLERANCE:
            yield tuple(row[start:index])
            start = index
    yield tuple(row[start:])


def sides(block: Block, index: int) -> Iterator[Side]:
    numbers = [seat.seat_no for seat in block]
    for side in (numbers[:index][::-1], numbers[index + 1 :]):
        if side:
            yield side[0], side[1] if len(side) > 1 else None


def runs(block: Block, free: Set[int]) -> Iterator[Block]:
    """The longest stretches of free seats."""
    start = 0
    for index, seat in enumerate(block):
        if seat.seat_no not in free:
            if start < index:
                yield block[start:index]
            start = index + 1
    if start < len(block):
        yield block[start:]


def places(block: Block, free: Set[int], count: int) -> Iterator[Block]:
    """Where `count` people can sit side by side in a block."""
    for run in runs(block, free):
        for start in range(len(run) - count + 1):
            yield run[start : start + count]
