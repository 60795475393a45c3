"""A growing delay after wrong passwords. It never becomes a lock: a password reset lifts it, and a device that is
signed in already is counted apart, so that a stranger's guesses do not shut out the owner (OWASP: device cookies)."""

from datetime import timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, case, delete, extract, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.shared.db import settings_of
from services.shared.errors import RateLimited
from services.users.models import LoginThrottle

FREE_FAILURES = 5
LONGEST_SECONDS = 900
DOUBLINGS = 10  # 2 ** 10 s is more than the longest delay


def account(email: str, device: UUID | None = None) -> bytes:
    """What failures are counted by: the address, or the address on a device that has been signed in to it."""
    return sha256(f"{email}\0{device or ''}".encode()).digest()


async def refuse_if_blocked(session: AsyncSession, key: bytes) -> None:
    """Raises RateLimited; until the transaction ends nobody else can count a failure."""
    if not settings_of(session).rate_limit_factor:
        return
    left = select(seconds_left()).where(LoginThrottle.account == key).with_for_update()
    seconds = await session.scalar(left)
    if seconds is not None and seconds > 0:
        raise RateLimited(float(seconds))


async def count_failure(session: AsyncSession, key: bytes) -> None:
    """After five failures each next one doubles the delay: 1 s, 2 s, 4 s, ... 15 min.

    Guesses that were made at the same time are counted one after the other, and those that come after the fifth
    are refused unseen. Raises RateLimited.
    """
    factor = settings_of(session).rate_limit_factor
    if not factor:
        return
    failures = LoginThrottle.failures + 1
    now = func.clock_timestamp()
    first = insert(LoginThrottle).values(account=key, failures=1, blocked_until=now)
    counted = first.on_conflict_do_update(
        index_elements=[LoginThrottle.account],
        set_={"failures": failures, "blocked_until": now + delay(failures, factor)},
        where=LoginThrottle.blocked_until <= now,
    )
    if await session.scalar(counted.returning(LoginThrottle.failures)) is None:
        await refuse_if_blocked(session, key)


async def forget(session: AsyncSession, *keys: bytes) -> None:
    await session.execute(delete(LoginThrottle).where(LoginThrottle.account.in_(keys)))


def delay(failures: ColumnElement[int], factor: float) -> ColumnElement[timedelta]:
    doublings = func.least(failures - FREE_FAILURES, DOUBLINGS)
    seconds = func.least(func.power(2.0, doublings), LONGEST_SECONDS) / factor
    return func.make_interval(0, 0, 0, 0, 0, 0, case((failures < FREE_FAILURES, 0.0), else_=seconds))


def seconds_left() -> ColumnElement[Any]:
    return extract("epoch", LoginThrottle.blocked_until - func.clock_timestamp())
