"""The seat map as everybody sees it: small, versioned, the same for all."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from services.reservations.statements import Statements

SeatState = Literal["free", "held", "sold"]

ON_SALE = "status = 'scheduled' AND now() < sales_close_at"

# The version is the sum of the generations, read in one statement with the seats: it only rises, and any replica
# comes to the same number.
READ = f"""
SELECT showtime.id, hall_id, layout_version, map.version, {ON_SALE}, map.held, map.sold
FROM showtime, LATERAL (
    SELECT coalesce(sum(generation), 0)::bigint AS version,
        coalesce(array_agg(seat_no ORDER BY seat_no) FILTER (WHERE claim.status IN (1, 2)), '{{}}') AS held,
        coalesce(array_agg(seat_no ORDER BY seat_no) FILTER (WHERE claim.status IN (3, 4)), '{{}}') AS sold
    FROM claim WHERE showtime_id = showtime.id
) AS map
WHERE id = ANY(%(ids)s)
"""  # noqa: S608

VERSIONS = f"""
SELECT id, {ON_SALE}, (SELECT coalesce(sum(generation), 0)::bigint FROM claim WHERE showtime_id = showtime.id)
FROM showtime WHERE id = ANY(%(ids)s)
"""  # noqa: S608


@dataclass(frozen=True)
class SeatMap:
    """Seats that are in neither list are free; blocked ones stand in `sold`."""

    showtime_id: UUID
    hall_id: UUID
    layout_version: int
    version: int
    sales_open: bool
    held: list[int]
    sold: list[int]

    @property
    def etag(self) -> str:
        """The version; the end of the sale changes the answer without any seat."""
        return f'"{self.version}"' if self.sales_open else f'"{self.version}-closed"'

    @property
    def states(self) -> dict[int, SeatState]:
        held: dict[int, SeatState] = dict.fromkeys(self.held, "held")
        sold: dict[int, SeatState] = dict.fromkeys(self.sold, "sold")
        return held | sold


async def read(statements: Statements, ids: Collection[UUID]) -> dict[UUID, SeatMap]:
    """The maps of those showtimes that are known. Raises ServiceUnavailable."""
    rows = await statements.fetch(READ, {"ids": list(ids)})
    return {row[0]: SeatMap(*row) for row in rows}


async def versions(statements: Statements, ids: Collection[UUID]) -> dict[UUID, tuple[bool, int]]:
    """For each known showtime whether it is on sale, and its map's version. Raises ServiceUnavailable."""
    rows = await statements.fetch(VERSIONS, {"ids": list(ids)})
    return {showtime_id: (on_sale, version) for showtime_id, on_sale, version in rows}
