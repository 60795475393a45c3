from uuid import UUID

from fastapi import APIRouter

from services.shared.auth import Manager
from services.shared.db import Session
from services.shared.paging import Page, PageOf, Rows
from services.ticketing.models import LedgerEntry
from services.ticketing.queries import ledger
from services.ticketing.schemas.money import LedgerEntryView, VerdictView

router = APIRouter(prefix="/ledger", tags=["ledger"])


@router.get("", response_model=Page[LedgerEntryView])
async def list_ledger(_: Manager, session: Session, place: PageOf, booking_id: UUID | None = None) -> Rows[LedgerEntry]:
    """The double-entry ledger, oldest entry first."""
    return await ledger.entries(session, booking_id, place)


@router.get("/verify", response_model=VerdictView)
async def verify_ledger(_: Manager, session: Session) -> ledger.Verdict:
    """Whether every entry is still what it was when it was sealed."""
    return await ledger.verify(session)
