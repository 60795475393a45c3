"""Accounts: made, changed, verified."""

from typing import Any
from uuid import UUID

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from services.shared.events import UserChanged, UserRegistered, UserVerified
from services.shared.ids import new_id
from services.shared.messaging import publish
from services.users import notices, queries
from services.users.commands import links
from services.users.commands.sessions import SignedIn, open_session
from services.users.errors import EmailTaken, TokenNotValid
from services.users.models import Purpose, User
from services.users.passwords import Passwords


async def register(
    session: AsyncSession, passwords: Passwords, email: str, password: str, full_name: str, locale: str
) -> User:
    """Make an account and mail a link to verify its address. Raises EmailTaken; a guest's address is not taken."""
    password_hash = await passwords.hash(password)
    user = await add_user(session, email=email, password_hash=password_hash, full_name=full_name, locale=locale)
    await links.mail_link(session, user, Purpose.VERIFY_EMAIL)
    return user


async def register_guest(session: AsyncSession, email: str, full_name: str, locale: str, user_agent: str) -> SignedIn:
    """An account without a password, for as long as its session lives. Any address may be given: it proves nothing."""
    user = await add_user(session, email=email, full_name=full_name, locale=locale, is_guest=True)
    return await open_session(session, user, user_agent)


async def add_user(session: AsyncSession, **values: object) -> User:
    """Raises EmailTaken."""
    new = insert(User).values({"id": new_id(), **values}).on_conflict_do_nothing().returning(User)
    user = await session.scalar(new)
    if user is None:
        raise EmailTaken
    publish(session, UserRegistered(**facts(user)))
    return user


def facts(user: User) -> dict[str, Any]:
    """What the events about an account carry."""
    return {
        "user_id": user.id,
        "email": user.email,
        "full_name": user.full_name,
        "locale": user.locale,
        "is_guest": user.is_guest,
        "version": user.version,
    }


def confirm(session: AsyncSession, user: User) -> None:
    """Somebody reads mail at the account's address."""
    user.email_verified_at = func.now()
    user.version += 1
    publish(session, UserVerified(**facts(user)))


async def send_verification(session: AsyncSession, user_id: UUID) -> None:
    """Mail the link again, unless the address is verified. Raises Unauthenticated."""
    user = await queries.me(session, user_id)
    if not user.email_verified:
        await links.mail_link(session, user, Purpose.VERIFY_EMAIL)


async def verify_email(session: AsyncSession, token: str) -> None:
    """Raises TokenNotValid, also if the account has another address by now."""
    redeemed = await links.redeem(session, token, Purpose.VERIFY_EMAIL)
    user = await session.scalar(queries.by_id(redeemed.user_id, lock=True).where(User.email == redeemed.email))
    if user is None:
        raise TokenNotValid
    confirm(session, user)


async def change_profile(
    session: AsyncSession,
    user_id: UUID,
    *,
    full_name: str | None = None,
    locale: str | None = None,
    email: str | None = None,
) -> User:
    """Change what is given, and tell the others if that changes anything. Raises EmailTaken, Unauthenticated."""
    user = await queries.me(session, user_id, lock=True)
    before = facts(user)
    user.full_name = full_name or user.full_name
    user.locale = locale or user.locale
    if email and email != user.email:
        await change_email(session, user, email)
    if facts(user) != before:
        user.version += 1
        publish(session, UserChanged(**facts(user), email_verified=user.email_verified))
    return user


async def change_email(session: AsyncSession, user: User, email: str) -> None:
    """The new address has to be verified; the old one is told, and links mailed to it are void."""
    await notices.send_email_changed(session, user)
    user.email = email
    user.email_verified_at = None
    try:
        async with session.begin_nested():
            await session.flush()
    except IntegrityError as error:
        raise EmailTaken from error
    await links.forget(session, user.id)
    await links.mail_link(session, user, Purpose.VERIFY_EMAIL)
