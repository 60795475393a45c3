"""Ids are UUIDv7 (RFC 9562): they sort by birth and tell their age."""

from datetime import UTC, datetime
from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    return uuid7()


def born(id: UUID) -> datetime:  # noqa: A002
    """When a UUIDv7 was made, to the millisecond. For other versions: the beginning of time."""
    milliseconds = id.int >> 80 if id.version == 7 else 0  # noqa: PLR2004
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def earliest(at: datetime) -> UUID:
    """Not greater than any UUIDv7 made at or after `at`: to compare with, not to use as an id."""
    return UUID(int=int(at.timestamp() * 1000) << 80)


def seconds_old(id: UUID) -> float:  # noqa: A002
    return (datetime.now(UTC) - born(id)).total_seconds()
