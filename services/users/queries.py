"""What is asked about accounts. Erased ones are nowhere to be found."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Select, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import with_expression

from services.shared import keys
from services.shared.auth import Principal, Role, Unauthenticated
from services.shared.events import SUBSCRIPTIONS
from services.shared.keys import KeyRing
from services.shared.paging import Paging, Rows, page
from services.shared.settings import Settings
from services.users.errors import UserNotFound
from services.users.models import GuestTicket, OneTimeToken, User, UserSession


@dataclass(frozen=True)
class Export:
    """What is stored about a user here, and where the other services say what they store."""

    user: User
    sessions: Sequence[UserSession]
    links: Sequence[OneTimeToken]
    guest_tickets: Sequence[GuestTicket]
    exports: Sequence[str]


async def me(session: AsyncSession, user_id: UUID, *, lock: bool = False) -> User:
    """The caller's account. Raises Unauthenticated if it was erased or deactivated since the token was made."""
    found = await session.scalar(by_id(user_id, lock=lock).where(User.is_active))
    if found is None:
        raise Unauthenticated("This account is no longer there.")
    return found


async def user(session: AsyncSession, user_id: UUID, *, lock: bool = False) -> User:
    """Raises UserNotFound."""
    found = await session.scalar(by_id(user_id, lock=lock))
    if found is None:
        raise UserNotFound
    return found


def by_id(user_id: UUID, *, lock: bool) -> Select[User]:
    found = select(User).where(User.id == user_id, User.erased_at.is_(None))
    return found.with_for_update() if lock else found


async def users(session: AsyncSession, query: str | None, role: Role | None, place: Paging) -> Rows[User]:
    """Newest first; `query` is a part of the name or the address."""
    found = select(User).where(User.erased_at.is_(None))
    if query:
        part = (column.icontains(query, autoescape=True) for column in (User.email, User.full_name))
        found = found.where(or_(*part))
    if role:
        found = found.where(User.role == role)
    return await page(session, found, place, User.id, descending=True)


async def sessions(session: AsyncSession, caller: Principal, place: Paging) -> Rows[UserSession]:
    """The caller's live sessions, newest first; `current` is the one that the access token came from."""
    return await page(session, own_sessions(caller), place, UserSession.id, descending=True)


def own_sessions(caller: Principal) -> Select[UserSession]:
    current = func.coalesce(UserSession.id == caller.session_id, False)
    own = select(UserSession).where(UserSession.user_id == caller.id, UserSession.expires_at > func.now())
    return own.options(with_expression(UserSession.current, current))


async def export(session: AsyncSession, caller: Principal) -> Export:
    """Raises Unauthenticated."""
    account = await me(session, caller.id)
    sessions = await session.scalars(own_sessions(caller).order_by(UserSession.id))
    links = await session.scalars(select(OneTimeToken).where(OneTimeToken.user_id == caller.id))
    tickets = await session.scalars(select(GuestTicket).where(GuestTicket.user_id == caller.id))
    return Export(
        account, sessions.all(), links.all(), tickets.all(), [f"/api/{service}/me/export" for service in SUBSCRIPTIONS]
    )


def signing_keys(settings: Settings) -> KeyRing:
    return keys.parse(settings.signing_keys, "MARQUEE_SIGNING_KEYS")
