"""Sessions: opened by a login, kept alive by rotating refresh tokens, ended from any device."""

import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.shared import keys
from services.shared.auth import TOKEN_SECONDS, Principal, mint
from services.shared.db import Sessions, settings_of
from services.users import queries
from services.users.errors import SessionNotFound, SessionRevoked
from services.users.models import RefreshToken, User, UserSession

TOKEN_BYTES = 32
IDLE = timedelta(days=14)
ABSOLUTE = timedelta(days=90)
# A second use this soon after the first is a lost answer or a second tab, not a thief.
GRACE = timedelta(seconds=10)
LONGEST_USER_AGENT = 300

log = structlog.get_logger()


@dataclass(frozen=True)
class SignedIn:
    """`expires_in` is the access token's life in seconds; the refresh token travels in a cookie."""

    user: User
    access_token: str
    refresh_token: str
    expires_in: int = TOKEN_SECONDS
    token_type: str = "bearer"  # noqa: S105


def digest(token: str) -> bytes:
    return sha256(token.encode()).digest()


async def open_session(session: AsyncSession, user: User, user_agent: str) -> SignedIn:
    """A new family, whose first token is random; its descendants follow from it."""
    shown = "".join(character for character in user_agent if character.isprintable())[:LONGEST_USER_AGENT]
    family = UserSession(user_id=user.id, user_agent=shown, expires_at=func.now() + IDLE)
    session.add(family)
    await session.flush()
    token = keys.encode(secrets.token_bytes(TOKEN_BYTES))
    session.add(RefreshToken(hash=digest(token), session_id=family.id))
    return signed_in(session, user, family.id, token)


def signed_in(session: AsyncSession, user: User, session_id: UUID, refresh_token: str) -> SignedIn:
    principal = Principal(user.id, user.role, user.is_guest)
    return SignedIn(user, mint(queries.signing_keys(settings_of(session)), principal, session_id), refresh_token)


async def refresh(transactions: Sessions, token: str) -> SignedIn:
    """Trade a refresh token for its successor and a new access token.

    The same token again within 10 s gets the same successor; later it ends the family, for then two people have it.
    Raises SessionRevoked.
    """
    async with transactions.begin() as session:
        renewed = await rotate(session, token)
    if renewed is None:
        raise SessionRevoked
    return renewed


async def rotate(session: AsyncSession, token: str) -> SignedIn | None:
    """None if the family has ended, or ends by this: the caller refuses only after the commit."""
    living = (
        select(UserSession, User)
        .join(User, User.id == UserSession.user_id)
        .join(RefreshToken, RefreshToken.session_id == UserSession.id)
        .where(RefreshToken.hash == digest(token), UserSession.expires_at > func.now(), User.is_active)
        .with_for_update(of=UserSession)
    )
    found = (await session.execute(living)).one_or_none()
    if found is None:
        return None
    family, user = found
    # Looked at only now: whoever had the family's lock before us may have used the token.
    used = await session.execute(select(RefreshToken, is_reused()).where(RefreshToken.hash == digest(token)))
    known, reused = used.one_or_none() or (None, False)
    if known is None:
        return None
    if reused:
        log.warning("refresh token reused, session ended", session_id=str(family.id), user_id=str(user.id))
        await session.delete(family)
        return None
    family.last_used_at = func.now()
    family.expires_at = func.least(func.now() + IDLE, family.created_at + ABSOLUTE)
    return signed_in(session, user, family.id, succeed(session, known, token))


def is_reused() -> ColumnElement[bool]:
    return func.coalesce(RefreshToken.used_at < func.clock_timestamp() - GRACE, False)


def succeed(session: AsyncSession, known: RefreshToken, token: str) -> str:
    """The token's successor, the same each time."""
    first = known.successor_key is None
    key = known.successor_key = known.successor_key or secrets.token_bytes(TOKEN_BYTES)
    successor = keys.encode(hmac.digest(key, token.encode(), "sha256"))
    if first:
        known.used_at = func.clock_timestamp()
        session.add(RefreshToken(hash=digest(successor), session_id=known.session_id))
    return successor


async def logout(session: AsyncSession, token: str) -> None:
    """End the token's session. One that has ended already stays so."""
    family = select(RefreshToken.session_id).where(RefreshToken.hash == digest(token))
    await session.execute(delete(UserSession).where(UserSession.id.in_(family)))


async def end_session(session: AsyncSession, user_id: UUID, session_id: UUID) -> None:
    """Raises SessionNotFound, also for somebody else's."""
    own = delete(UserSession).where(UserSession.id == session_id, UserSession.user_id == user_id)
    if await session.scalar(own.returning(UserSession.id)) is None:
        raise SessionNotFound


async def end_sessions(session: AsyncSession, user_id: UUID, keep: UUID | None = None) -> None:
    """All of a user's sessions but `keep`."""
    theirs = delete(UserSession).where(UserSession.user_id == user_id)
    await session.execute(theirs.where(UserSession.id != keep) if keep else theirs)
