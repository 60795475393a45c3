"""One-time tokens that are mailed as links: to verify an address, to reset a password."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.shared import keys
from services.shared.db import settings_of
from services.users import notices
from services.users.errors import TokenNotValid
from services.users.models import OneTimeToken, Purpose, User

TOKEN_BYTES = 32
LIFE = {Purpose.VERIFY_EMAIL: timedelta(days=3), Purpose.RESET_PASSWORD: timedelta(hours=1)}
# Nobody can have us fill somebody's mailbox.
PAUSE = timedelta(minutes=1)


@dataclass(frozen=True)
class Redeemed:
    user_id: UUID
    email: str


async def mail_link(session: AsyncSession, user: User, purpose: Purpose) -> None:
    """Mail a link, which ends an older one of that purpose; a second one to that address within a minute is dropped."""
    assert user.email is not None, "an erased account is sent nothing"
    token = keys.encode(secrets.token_bytes(TOKEN_BYTES))
    fresh = {
        "hash": digest(token),
        "email": user.email,
        "created_at": func.now(),
        "expires_at": func.now() + LIFE[purpose],
    }
    pause = PAUSE if settings_of(session).rate_limit_factor else timedelta(0)
    issued = (
        insert(OneTimeToken)
        .values(user_id=user.id, purpose=purpose, **fresh)
        .on_conflict_do_update(
            index_elements=[OneTimeToken.user_id, OneTimeToken.purpose],
            set_=fresh,
            where=(OneTimeToken.created_at <= func.now() - pause) | (OneTimeToken.email != user.email),
        )
    )
    if await session.scalar(issued.returning(OneTimeToken.user_id)):
        await notices.send_link(session, purpose, user, token)


def digest(token: str) -> bytes:
    return sha256(token.encode()).digest()


async def check(session: AsyncSession, token: str, purpose: Purpose) -> None:
    """Raises TokenNotValid. Does not use the token up."""
    if await session.scalar(select(OneTimeToken.user_id).where(*is_good(token, purpose))) is None:
        raise TokenNotValid


async def redeem(session: AsyncSession, token: str, purpose: Purpose) -> Redeemed:
    """Use a token up. Raises TokenNotValid."""
    used = delete(OneTimeToken).where(*is_good(token, purpose)).returning(OneTimeToken.user_id, OneTimeToken.email)
    found = (await session.execute(used)).one_or_none()
    if found is None:
        raise TokenNotValid
    return Redeemed(*found)


def is_good(token: str, purpose: Purpose) -> tuple[ColumnElement[bool], ...]:
    return OneTimeToken.hash == digest(token), OneTimeToken.purpose == purpose, OneTimeToken.expires_at > func.now()


async def forget(session: AsyncSession, user_id: UUID, *purposes: Purpose) -> None:
    await session.execute(
        delete(OneTimeToken).where(OneTimeToken.user_id == user_id, OneTimeToken.purpose.in_(purposes or Purpose))
    )
