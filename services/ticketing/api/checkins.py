from fastapi import APIRouter

from services.shared.auth import Staff
from services.shared.db import Session, Transactions
from services.ticketing.commands import checkins
from services.ticketing.models import Scan
from services.ticketing.queries import tickets
from services.ticketing.schemas.tickets import CheckIn, CheckInView, DoorKeysView, MergedView, OfflineScans

router = APIRouter(prefix="/checkins", tags=["doors"])


@router.post("", response_model=CheckInView)
async def check_in(body: CheckIn, staff: Staff, session: Session) -> Scan:
    """Judge a ticket's code at a gate, and let its holder in once."""
    return await checkins.check_in(session, staff.id, body.presented())


@router.post("/sync", response_model=MergedView)
async def merge_offline_scans(body: OfflineScans, staff: Staff, transactions: Transactions) -> checkins.Merged:
    """Merge what a door has scanned while it was offline; safe to send again."""
    return await checkins.merge(transactions, staff.id, body.presented())


@router.get("/keys", response_model=DoorKeysView)
async def get_door_keys(_: Staff, session: Session) -> tickets.DoorKeys:
    """What a door needs to judge codes while it is offline."""
    return await tickets.door_keys(session)
