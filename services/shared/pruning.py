"""Deleting what has been kept for long enough: some at a time, each batch a transaction of its own.

One statement for a million rows would hold all their locks, and lose all its work if it were cancelled.
"""

from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, delete, func, literal_column, select
from sqlalchemy.orm import DeclarativeBase

from services.shared.db import Sessions

AT_ONCE = 1000


async def prune(sessions: Sessions, table: type[DeclarativeBase], *old: ColumnElement[bool]) -> None:
    """Delete the rows of `table` that are `old`. One that somebody is working on is left for the next time.

    By the row's place on the disk, which tells the rows of one table apart, but not those of its partitions.
    """
    place: ColumnElement[Any] = literal_column("ctid")
    some = select(place).select_from(table).where(*old).limit(AT_ONCE).with_for_update(skip_locked=True)
    batch = delete(table).where(place == func.any(func.array(some.correlate(None).scalar_subquery())))
    deleted = AT_ONCE
    while deleted == AT_ONCE:
        async with sessions.begin() as session:
            result = await session.execute(batch.execution_options(synchronize_session=False))
        deleted = cast("CursorResult[Any]", result).rowcount
