from fastapi import APIRouter

from services.shared.auth import CurrentUser
from services.shared.db import Session
from services.ticketing.queries.export import export
from services.ticketing.schemas.export import ExportView

router = APIRouter(prefix="/me", tags=["me"])


@router.get("/export")
async def export_my_data(user: CurrentUser, session: Session) -> ExportView:
    """Everything that is stored here about you."""
    return ExportView.of(await export(session, user), user)
