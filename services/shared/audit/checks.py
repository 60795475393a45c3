"""A check is a question to a service's own tables whose right answer is: no rows."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

# A check lists no more violations than these: who has so many needs no longer list.
MOST = 50

Values = Mapping[str, Any]
# Subject and detail of each violation.
Found = Sequence[tuple[str, str]]
Finder = Callable[[AsyncSession, Values], Awaitable[Found]]


@dataclass(frozen=True)
class Check:
    """`title` says what is true. `find` is given `dust`, `late`, `grace` (intervals) and the bounds of all walks."""

    invariant: str
    title: str
    find: Finder


@dataclass(frozen=True)
class Walk:
    """How a sweep looks at a table of any size in a bounded time: at its newest rows each time, and at the next stretch
    of the older ones, round and round. `key` is an ordered column with an index, `first` is before its first value."""

    table: str
    key: str
    first: Any
    step: int = 2000

    def within(self, column: str) -> str:
        """SQL: whether this sweep looks at the row whose key stands in `column`."""
        bounds = f"{column} > :{self.table}_low AND {column} <= :{self.table}_high"
        return f"({column} >= :{self.table}_recent OR {bounds})"

    async def bounds(self, session: AsyncSession, low: Any) -> dict[str, Any]:
        """The values of `within`, going on after `low`."""
        newest = f"SELECT {self.key} FROM {self.table} ORDER BY {self.key} DESC OFFSET {self.step} LIMIT 1"  # noqa: S608
        recent = await session.scalar(text(newest))
        if recent is None:
            return self._values(self.first, self.first, self.first)
        low = self.first if low >= recent else low
        ahead = f"SELECT {self.key} FROM {self.table} WHERE {self.key} > :low ORDER BY {self.key}"  # noqa: S608
        high = await session.scalar(text(f"{ahead} OFFSET {self.step} LIMIT 1"), {"low": low})
        return self._values(recent, low, recent if high is None else high)

    def _values(self, recent: Any, low: Any, high: Any) -> dict[str, Any]:
        return {f"{self.table}_recent": recent, f"{self.table}_low": low, f"{self.table}_high": high}


@dataclass(frozen=True)
class Audit:
    """All that a service's auditor asks, beside its messages."""

    checks: Sequence[Check] = ()
    walks: Sequence[Walk] = ()


def ask(statement: str) -> Finder:
    """A finder that is one statement, which returns subject and detail of each violation.

    Materialized, since order and limit would tempt the planner to walk through a whole index.
    """
    found = f"WITH found (subject, detail) AS MATERIALIZED ({statement})"
    query = text(f"{found} SELECT subject, detail FROM found ORDER BY 1, 2 LIMIT {MOST}")  # noqa: S608

    async def find(session: AsyncSession, values: Values) -> Found:
        return [(str(subject), detail) for subject, detail in await session.execute(query, values)]

    return find
