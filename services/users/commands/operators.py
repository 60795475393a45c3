"""What has no route: the first admin, from the command line, and accounts with ids of their own, for demo data."""

import secrets
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.shared.auth import Role
from services.shared.settings import BadSettings
from services.users.addresses import normalise
from services.users.commands.accounts import add_user, confirm
from services.users.models import User
from services.users.passwords import checked, hash_now

GENERATED_BYTES = 15


async def create_admin(session: AsyncSession, email: str, password: str | None, name: str) -> str:
    """Make an admin, or make who has this address one; returns what to tell the operator.

    A password that is given is set; a new account without one gets one, which is shown this once. Hashes in the
    caller's thread. Raises BadSettings for an address or a password that will not do.
    """
    try:
        email = normalise(email)
        password_hash = hash_now(checked(password)) if password else None
    except ValueError as error:
        raise BadSettings(f"create-admin: {error}") from error
    user = await session.scalar(select(User).where(*has(email)).with_for_update())
    if user is None:
        return await add_admin(session, email, password_hash, name)
    user.role = Role.admin
    user.is_active = True
    user.password_hash = password_hash or user.password_hash
    return f"{email} is an admin now; the password is {'the one given' if password else 'what it was'}."


async def add_admin(session: AsyncSession, email: str, password_hash: str | None, name: str) -> str:
    generated = secrets.token_urlsafe(GENERATED_BYTES)
    user = await add_user(
        session,
        email=email,
        full_name=name,
        locale="en",
        role=Role.admin,
        password_hash=password_hash or hash_now(generated),
    )
    confirm(session, user)
    shown = "the password is the one given." if password_hash else f"password, shown only now: {generated}"
    return f"{email} was made an admin; {shown}"


async def ensure_user(
    session: AsyncSession,
    user_id: UUID,
    *,
    email: str,
    password: str,
    full_name: str,
    role: Role = Role.customer,
    locale: str = "en",
    verified: bool = True,
) -> bool:
    """Make an account with a given id and no mail; whether it was made now.

    Does nothing if the id or the address is there already. Hashes in the caller's thread.
    """
    email = normalise(email)
    address, own = has(email)
    if await session.scalar(select(User.id).where((User.id == user_id) | (address & own))):
        return False
    user = await add_user(
        session,
        id=user_id,
        email=email,
        full_name=full_name,
        locale=locale,
        role=role,
        password_hash=hash_now(password),
    )
    if verified:
        confirm(session, user)
    return True


def has(email: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return User.email == email, ~User.is_guest
