"""Forgetting people: when they ask for it, and guests some time after their last show."""

from datetime import timedelta

from sqlalchemy import delete, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.shared import erasure
from services.shared.auth import Principal, Role
from services.shared.db import settings_of
from services.shared.events import UserErased
from services.shared.messaging import publish
from services.users import queries, throttle
from services.users.commands import links
from services.users.commands.roles import keep_an_admin
from services.users.commands.sessions import end_sessions
from services.users.models import GuestTicket, ResetRequest, Showtime, User, UserSession

GUESTS_AT_ONCE = 100
# Whoever was here so recently may have seats on hold, or a payment on its way.
BUSY = timedelta(days=1)


async def erase(session: AsyncSession, caller: Principal) -> None:
    """Forget the caller. Raises LastAdmin, Unauthenticated."""
    await keep_an_admin(session, besides=caller.id)
    await erase_user(session, await queries.me(session, caller.id, lock=True))


async def erase_user(session: AsyncSession, user: User) -> None:
    """Forget a person, whose row is locked; the id stays, since orders and the ledger bear it."""
    email = user.email or ""
    devices = await session.scalars(select(UserSession.id).where(UserSession.user_id == user.id))
    addresses = [throttle.account(email), throttle.account(str(user.id))]
    await throttle.forget(session, *addresses, *(throttle.account(email, device) for device in devices))
    await end_sessions(session, user.id)
    await links.forget(session, user.id)
    await session.execute(delete(GuestTicket).where(GuestTicket.user_id == user.id))
    if not user.is_guest:
        await session.execute(delete(ResetRequest).where(ResetRequest.email == email))
    user.email = user.password_hash = user.email_verified_at = None
    user.full_name = ""
    user.role = Role.customer
    user.is_active = False
    user.erased_at = func.now()
    user.version += 1
    await erasure.forget(session, user.id)
    publish(session, UserErased(user_id=user.id, version=user.version))


async def erase_guests(session: AsyncSession) -> int:
    """Forget guests whose last show, or registration, is longer ago than `guest_days`; returns how many, 100 at most.

    A ticket that was voided counts until it was. Guests who were here within a day may be buying just now.
    """
    ended = func.coalesce(GuestTicket.voided_at, Showtime.ends_at, GuestTicket.starts_at)
    shows = select(func.max(ended)).outerjoin(Showtime, Showtime.id == GuestTicket.showtime_id)
    last = func.greatest(User.created_at, shows.where(GuestTicket.user_id == User.id).scalar_subquery())
    busy = exists().where(UserSession.user_id == User.id, UserSession.last_used_at > func.now() - BUSY)
    days = timedelta(days=settings_of(session).guest_days)
    over = select(User).where(User.is_guest, User.erased_at.is_(None), last < func.now() - days, ~busy)
    some = over.order_by(User.id).limit(GUESTS_AT_ONCE).with_for_update(skip_locked=True)
    guests = (await session.scalars(some)).all()
    for guest in guests:
        await erase_user(session, guest)
    return len(guests)
