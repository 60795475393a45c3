"""Who may do what, and who may come in at all."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.shared.auth import Role
from services.users import queries
from services.users.commands.sessions import end_sessions
from services.users.errors import GuestAccount, LastAdmin
from services.users.models import User


async def change_access(
    session: AsyncSession, user_id: UUID, *, role: Role | None = None, is_active: bool | None = None
) -> User:
    """Change what is given; it counts from the next access token on, and a deactivated user gets none.

    Raises UserNotFound, LastAdmin, GuestAccount.
    """
    if is_active is False or role not in (None, Role.admin):
        await keep_an_admin(session, besides=user_id)
    user = await queries.user(session, user_id, lock=True)
    if user.is_guest and role not in (None, Role.customer):
        raise GuestAccount
    user.role = role or user.role
    user.is_active = user.is_active if is_active is None else is_active
    if not user.is_active:
        await end_sessions(session, user.id)
    return user


async def keep_an_admin(session: AsyncSession, besides: UUID) -> None:
    """Raises LastAdmin if that user is the only admin.

    Locks all admins, in the same order everywhere and before any other row: of two who demote each other at the same
    time the second one sees what the first one did.
    """
    active = select(User.id).where(User.role == Role.admin, User.is_active, User.erased_at.is_(None))
    admins = (await session.scalars(active.order_by(User.id).with_for_update())).all()
    if list(admins) == [besides]:
        raise LastAdmin
