"""What is forgotten once its time is over."""

from datetime import timedelta

from sqlalchemy import delete, func
from sqlalchemy.ext.asyncio import AsyncSession

from services.users.commands.sessions import IDLE
from services.users.models import LoginThrottle, OneTimeToken, RefreshToken, UserSession

FAILURES_KEPT = timedelta(days=1)


async def prune(session: AsyncSession) -> None:
    """Delete ended sessions, used tokens that are too old to tell of a thief, links, failures of the day before."""
    await session.execute(delete(UserSession).where(UserSession.expires_at < func.now()))
    await session.execute(delete(RefreshToken).where(RefreshToken.used_at < func.now() - IDLE))
    await session.execute(delete(OneTimeToken).where(OneTimeToken.expires_at < func.now()))
    await session.execute(delete(LoginThrottle).where(LoginThrottle.blocked_until < func.now() - FAILURES_KEPT))
