"""Users and their roles, for admins."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from services.shared.auth import Admin
from services.shared.db import Session
from services.shared.errors import refusals
from services.shared.paging import Page, PageOf, Rows
from services.shared.schemas import Text
from services.users import commands, queries
from services.users.errors import GuestAccount, LastAdmin, UserNotFound
from services.users.models import User
from services.users.schemas import AccessChange, ManagedUserView, RoleName

router = APIRouter(tags=["users"])


@router.get("", response_model=Page[ManagedUserView])
async def users(
    session: Session,
    _: Admin,
    place: PageOf,
    query: Annotated[Text | None, Query(description="A part of the name or the address.")] = None,
    role: RoleName | None = None,
) -> Rows[User]:
    """All users, newest first."""
    return await queries.users(session, query, role, place)


@router.patch("/{id}", response_model=ManagedUserView, responses=refusals(UserNotFound, LastAdmin, GuestAccount))
async def change_access(session: Session, _: Admin, id: UUID, body: AccessChange) -> User:  # noqa: A002
    """Change role or access. It takes effect within ten minutes; a deactivated user's sessions end."""
    return await commands.change_access(session, id, **body.changes())
