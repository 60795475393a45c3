from fastapi import APIRouter

from services.shared.auth import Manager
from services.shared.db import Session
from services.ticketing.queries import audit
from services.ticketing.schemas.audit import AuditView

router = APIRouter(prefix="/audit", tags=["audit"])


@router.get("", response_model=AuditView)
async def get_audit(_: Manager, session: Session) -> audit.AuditReport:
    """What the auditors of all services found in their last sweeps, invariant by invariant."""
    return await audit.report(session)
