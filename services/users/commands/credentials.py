"""Passwords: proving one, changing it, resetting it. No transaction is open while a password is hashed."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Select, delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.shared.auth import Principal
from services.shared.db import Sessions, fire_after_commit
from services.users import notices, queries, throttle
from services.users.commands import links
from services.users.commands.sessions import SignedIn, digest, end_sessions, open_session
from services.users.errors import BadCredentials, TokenNotValid
from services.users.models import Purpose, RefreshToken, ResetRequest, User, UserSession
from services.users.passwords import Passwords

RESET_SIGNAL = "password reset"
RESETS_AT_ONCE = 100


@dataclass(frozen=True)
class Device:
    """Where a login comes from: its name, and the refresh token it still has, if any."""

    user_agent: str
    refresh_token: str = ""


@dataclass(frozen=True)
class Credential:
    """What a password is proven against; both ids are empty for an unknown address. `key` is what failures count by."""

    key: bytes
    user_id: UUID | None = None
    password_hash: str | None = None


async def login(transactions: Sessions, passwords: Passwords, email: str, password: str, device: Device) -> SignedIn:
    """Raises BadCredentials, after the same time whether or not there is such an account, and RateLimited."""
    async with transactions.begin() as session:
        credential = await credential_of(session, email, device)
        await throttle.refuse_if_blocked(session, credential.key)
    right = await passwords.verify(credential.password_hash, password)
    renewed = await passwords.renewed(credential.password_hash, password) if right else None
    async with transactions.begin() as session:
        user = await judge(session, credential, right=right)
        answer = await open_session(session, user, device.user_agent) if user else None
        if user and renewed:
            user.password_hash = renewed
    if answer is None:
        raise BadCredentials
    return answer


async def credential_of(session: AsyncSession, email: str, device: Device) -> Credential:
    user = await session.scalar(account_of(email))
    if user is None:
        return Credential(throttle.account(email))
    return Credential(throttle.account(email, await known_device(session, user, device)), user.id, user.password_hash)


def account_of(email: str) -> Select[User]:
    return select(User).where(User.email == email, ~User.is_guest, User.is_active)


async def known_device(session: AsyncSession, user: User, device: Device) -> UUID | None:
    """The session of this user that the device has a token of."""
    families = select(UserSession.id).join(RefreshToken, RefreshToken.session_id == UserSession.id)
    return await session.scalar(
        families.where(RefreshToken.hash == digest(device.refresh_token), UserSession.user_id == user.id)
    )


async def judge(session: AsyncSession, credential: Credential, *, right: bool) -> User | None:
    """The user, locked, if the password was right and still is; else the failure is counted.

    Only here is it decided, one guess after the other: those made at the same time get no more tries than others.
    None instead of a refusal, because the count must be committed. Raises RateLimited.
    """
    if not right:
        await throttle.count_failure(session, credential.key)
        return None
    await throttle.refuse_if_blocked(session, credential.key)
    await throttle.forget(session, credential.key)
    same = User.id == credential.user_id, User.password_hash == credential.password_hash, User.is_active
    return await session.scalar(select(User).where(*same).with_for_update())


async def change_password(
    transactions: Sessions, passwords: Passwords, caller: Principal, current: str, new: str
) -> None:
    """The caller's other sessions end. Raises BadCredentials, RateLimited, Unauthenticated."""
    async with transactions.begin() as session:
        user = await queries.me(session, caller.id)
        credential = Credential(throttle.account(str(user.id)), user.id, user.password_hash)
        await throttle.refuse_if_blocked(session, credential.key)
    right = await passwords.verify(credential.password_hash, current)
    new_hash = await passwords.hash(new) if right else ""
    async with transactions.begin() as session:
        proven = await judge(session, credential, right=right)
        if proven:
            await set_password(session, proven, new_hash, keep=caller.session_id)
    if proven is None:
        raise BadCredentials("The current password is wrong.")


async def set_password(session: AsyncSession, user: User, password_hash: str, keep: UUID | None = None) -> None:
    """All sessions but `keep` end, and so does a reset link that is on its way."""
    user.password_hash = password_hash
    await end_sessions(session, user.id, keep)
    await links.forget(session, user.id, Purpose.RESET_PASSWORD)
    await notices.send_password_changed(session, user)


async def request_reset(session: AsyncSession, email: str) -> None:
    """Only written down: whether there is such an account shows neither in the answer nor in its time."""
    session.add(ResetRequest(email=email))
    fire_after_commit(session, RESET_SIGNAL)


async def send_reset_links(session: AsyncSession) -> None:
    """Mail those who asked and have an account."""
    oldest = select(ResetRequest.id).order_by(ResetRequest.id).limit(RESETS_AT_ONCE).with_for_update(skip_locked=True)
    asked = delete(ResetRequest).where(ResetRequest.id.in_(oldest)).returning(ResetRequest.email)
    emails = set(await session.scalars(asked))
    for user in await session.scalars(select(User).where(User.email.in_(emails), ~User.is_guest, User.is_active)):
        await links.mail_link(session, user, Purpose.RESET_PASSWORD)


async def reset_password(transactions: Sessions, passwords: Passwords, token: str, new: str) -> None:
    """All sessions end, and the delay after wrong passwords with them. Raises TokenNotValid."""
    async with transactions.begin() as session:
        await links.check(session, token, Purpose.RESET_PASSWORD)
    new_hash = await passwords.hash(new)
    async with transactions.begin() as session:
        redeemed = await links.redeem(session, token, Purpose.RESET_PASSWORD)
        user = await session.scalar(account_of(redeemed.email).where(User.id == redeemed.user_id).with_for_update())
        if user is None:
            raise TokenNotValid
        await set_password(session, user, new_hash)
        await throttle.forget(session, throttle.account(redeemed.email))
