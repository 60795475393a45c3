"""Lists: `?limit=&cursor=` in, `{"items": [...], "next_cursor": ...}` out, by keyset, so that no page is skipped."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Depends, Query
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from sqlalchemy import ColumnElement, Row, Select, literal, tuple_
from sqlalchemy.exc import DataError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from services.shared import keys
from services.shared.errors import ValidationFailed

Item = TypeVar("Item")
Order = ColumnElement[Any] | InstrumentedAttribute[Any]
LIMIT = 20
LARGEST = 100


class Page(BaseModel, Generic[Item]):
    model_config = ConfigDict(from_attributes=True)

    items: list[Item]
    next_cursor: str | None


class Paging(BaseModel):
    """The two query parameters; a route declares `place: PageOf`."""

    limit: int = LIMIT
    cursor: str | None = None


def asked_page(
    limit: Annotated[int, Query(ge=1, le=LARGEST)] = LIMIT,
    cursor: Annotated[str | None, Query(max_length=512)] = None,
) -> Paging:
    return Paging(limit=limit, cursor=cursor)


PageOf = Annotated[Paging, Depends(asked_page)]


@dataclass(frozen=True)
class Rows(Generic[Item]):
    """A page before it is rendered."""

    items: Sequence[Item]
    next_cursor: str | None


async def page(
    session: AsyncSession,
    query: Select[Item],
    place: Paging,
    *order: Order,
    descending: bool = False,
) -> Rows[Item]:
    """One page of entities, ordered by columns or expressions, the last of which must make each row's place unique.

    Raises ValidationFailed for a cursor that is not one of ours.
    """
    after = None if place.cursor is None else decode(place.cursor, order)
    found = await rows_after(session, query, order, after, place.limit + 1, descending=descending)
    rows = found[: place.limit]
    more = len(found) > place.limit
    return Rows([row[0] for row in rows], encode(list(rows[-1][1:])) if more else None)


async def page_of_tiers(
    session: AsyncSession, tiers: Sequence[Select[Item]], place: Paging, *order: Order
) -> Rows[Item]:
    """One page of some queries' entities, all of the first query's before any of the second's; no two may share one.

    Raises ValidationFailed for a cursor that is not one of ours.
    """
    first, after = (0, None) if place.cursor is None else opened(place.cursor, order, len(tiers))
    found: list[tuple[int, Row[Any]]] = []
    for tier in range(first, len(tiers)):
        rows = await rows_after(session, tiers[tier], order, after, place.limit + 1 - len(found))
        found += [(tier, row) for row in rows]
        after = None
        if len(found) > place.limit:
            last_tier, last = found[place.limit - 1]
            return Rows([row[0] for _, row in found[: place.limit]], encode([last_tier, *last[1:]]))
    return Rows([row[0] for _, row in found], None)


def opened(cursor: str, order: Sequence[Order], tiers: int) -> tuple[int, list[Any]]:
    tier, *after = decode(cursor, (literal(0), *order))
    if tier not in range(tiers):
        raise not_a_cursor()
    return tier, after


async def rows_after(
    session: AsyncSession,
    query: Select[Item],
    order: Sequence[Order],
    after: list[Any] | None,
    limit: int,
    *,
    descending: bool = False,
) -> Sequence[Row[Any]]:
    """Entities, each with its place in the order."""
    if after is not None:
        mark = tuple_(*(literal(value, column.type) for value, column in zip(after, order, strict=True)))
        query = query.where(tuple_(*order) < mark if descending else tuple_(*order) > mark)
    ordered = query.order_by(*(column.desc() if descending else column.asc() for column in order))
    places = (column.label(f"place_{number}") for number, column in enumerate(order))
    try:
        return (await session.execute(ordered.add_columns(*places).limit(limit))).all()
    except DataError as error:  # a forged cursor, with a number or a text that no column can hold
        if after is None:
            raise
        raise not_a_cursor() from error


def encode(place: list[Any]) -> str:
    return keys.encode(TypeAdapter(list[Any]).dump_json(place))


def decode(cursor: str, order: Sequence[Order]) -> list[Any]:
    try:
        values = TypeAdapter(list[Any]).validate_json(keys.decode(cursor))
        kinds = [column.type.python_type for column in order]
        return [TypeAdapter(kind).validate_python(value) for kind, value in zip(kinds, values, strict=True)]
    except (ValueError, ValidationError) as error:
        raise not_a_cursor() from error


def not_a_cursor() -> ValidationFailed:
    fault = {"pointer": "/query/cursor", "message": "Not a cursor: take it from the page before, unchanged."}
    return ValidationFailed(errors=[fault])
