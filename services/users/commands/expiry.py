"""What is forgotten once its time is over."""

from datetime import timedelta

from sqlalchemy import exists, func

from services.shared import pruning
from services.shared.db import Sessions
from services.users.commands.sessions import IDLE
from services.users.models import GuestTicket, LoginThrottle, OneTimeToken, RefreshToken, Showtime, UserSession

FAILURES_KEPT = timedelta(days=1)


async def prune(transactions: Sessions) -> None:
    """Delete ended sessions, used tokens that are too old to tell of a thief, links, failures of the day before, and
    showtimes that are over and that no guest has a ticket of."""
    now = func.now()
    await pruning.prune(transactions, UserSession, UserSession.expires_at < now)
    await pruning.prune(transactions, RefreshToken, RefreshToken.used_at < now - IDLE)
    await pruning.prune(transactions, OneTimeToken, OneTimeToken.expires_at < now)
    await pruning.prune(transactions, LoginThrottle, LoginThrottle.blocked_until < now - FAILURES_KEPT)
    guests = exists().where(GuestTicket.showtime_id == Showtime.id)
    await pruning.prune(transactions, Showtime, Showtime.ends_at < now, ~guests)
