from uuid import UUID

from fastapi import APIRouter

from services.shared.auth import CurrentUser
from services.shared.db import Session
from services.shared.errors import refusals
from services.ticketing.errors import TicketNotFound
from services.ticketing.models import Ticket
from services.ticketing.queries import tickets
from services.ticketing.schemas.tickets import TicketView

router = APIRouter(prefix="/tickets", tags=["tickets"])


@router.get("/{ticket_id}", response_model=TicketView, responses=refusals(TicketNotFound))
async def get_ticket(ticket_id: UUID, user: CurrentUser, session: Session) -> Ticket:
    """One of your tickets; staff may see anybody's."""
    return await tickets.ticket(session, user, ticket_id)
