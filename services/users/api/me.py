"""The caller's own account."""

from uuid import UUID

from fastapi import APIRouter, Response

from services.shared.auth import CurrentUser
from services.shared.db import Session, Transactions
from services.shared.errors import RateLimited, refusals
from services.shared.paging import Page, PageOf, Rows
from services.users import commands, queries
from services.users.api.resources import PasswordHashing, ServiceSettings, forget
from services.users.errors import BadCredentials, EmailTaken, SessionNotFound
from services.users.models import User, UserSession
from services.users.queries import Export
from services.users.schemas import ExportView, PasswordChange, ProfileChange, SessionView, UserView

router = APIRouter(prefix="/me", tags=["users"])


@router.get("", response_model=UserView)
async def profile(session: Session, caller: CurrentUser) -> User:
    """The caller's profile."""
    return await queries.me(session, caller.id)


@router.patch("", response_model=UserView, responses=refusals(EmailTaken))
async def change_profile(session: Session, caller: CurrentUser, body: ProfileChange) -> User:
    """Change name, language or address. A new address has to be verified; the old one is told."""
    return await commands.change_profile(session, caller.id, **body.changes())


@router.delete("", status_code=204)
async def erase(session: Session, caller: CurrentUser, settings: ServiceSettings, response: Response) -> None:
    """Erase the account and everything that tells who its owner is. There is no way back."""
    await commands.erase(session, caller)
    forget(response, settings)


@router.get("/export", response_model=ExportView)
async def export(session: Session, caller: CurrentUser) -> Export:
    """Everything stored about the caller here, and the addresses where the other services tell what they store."""
    return await queries.export(session, caller)


@router.post("/verification", status_code=202)
async def send_verification(session: Session, caller: CurrentUser) -> None:
    """Have the link to verify the address mailed again, at most once a minute."""
    await commands.send_verification(session, caller.id)


@router.post("/password", status_code=204, responses=refusals(BadCredentials, RateLimited))
async def change_password(
    transactions: Transactions, passwords: PasswordHashing, caller: CurrentUser, body: PasswordChange
) -> None:
    """Set a new password. All other sessions end."""
    await commands.change_password(transactions, passwords, caller, body.current_password, body.new_password)


@router.get("/sessions", response_model=Page[SessionView])
async def sessions(session: Session, caller: CurrentUser, place: PageOf) -> Rows[UserSession]:
    """Where the caller is signed in."""
    return await queries.sessions(session, caller, place)


@router.delete("/sessions/{id}", status_code=204, responses=refusals(SessionNotFound))
async def end_session(session: Session, caller: CurrentUser, id: UUID) -> None:  # noqa: A002
    """Sign a device out. Its access token lives on for ten minutes at most."""
    await commands.end_session(session, caller.id, id)
