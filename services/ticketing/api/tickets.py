from uuid import UUID

from fastapi import APIRouter, Response

from services.shared.auth import CurrentUser
from services.shared.db import Session
from services.ticketing import ics, qr
from services.ticketing.models import Ticket
from services.ticketing.queries import tickets
from services.ticketing.schemas.tickets import TicketView

router = APIRouter(prefix="/tickets", tags=["tickets"])

PRIVATE = {"Cache-Control": "private, max-age=60"}


@router.get("/{ticket_id}.svg", response_class=Response, responses={200: {"content": {"image/svg+xml": {}}}})
async def get_qr_code(ticket_id: UUID, user: CurrentUser, session: Session) -> Response:
    """A ticket's QR code as an image that is crisp at any size."""
    ticket = await tickets.ticket(session, user, ticket_id)
    return Response(qr.svg(ticket.code), media_type="image/svg+xml", headers=PRIVATE)


@router.get("/{ticket_id}.ics", response_class=Response, responses={200: {"content": {"text/calendar": {}}}})
async def get_calendar_entry(ticket_id: UUID, user: CurrentUser, session: Session) -> Response:
    """A ticket's showtime as a calendar entry (RFC 5545)."""
    ticket = await tickets.ticket(session, user, ticket_id)
    showtime = await tickets.showtime_of(session, ticket)
    return Response(ics.entry(ticket, showtime), media_type="text/calendar", headers=PRIVATE)


@router.get("/{ticket_id}", response_model=TicketView)
async def get_ticket(ticket_id: UUID, user: CurrentUser, session: Session) -> Ticket:
    """One of your tickets; staff may see anybody's."""
    return await tickets.ticket(session, user, ticket_id)
