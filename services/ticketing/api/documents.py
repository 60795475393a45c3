"""What people take along: tickets and receipts on paper, as images, in calendars and mails."""

from asyncio import to_thread
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response

from services.shared.auth import CurrentUser
from services.shared.db import Session, settings_of
from services.shared.errors import DomainError, refusals
from services.ticketing import ics, pdf, qr
from services.ticketing.commands import resending
from services.ticketing.errors import NotIssued, NotPaid, OrderNotFound, TicketNotFound
from services.ticketing.queries import documents, tickets
from services.ticketing.schemas.orders import OrderView

router = APIRouter()


def private(content: bytes, media_type: str, name: str) -> Response:
    """A file for its owner's eyes. Shared caches keep none, and the owner's own asks again after a minute."""
    headers = {"Cache-Control": "private, max-age=60", "Content-Disposition": f'inline; filename="{name}"'}
    return Response(content, media_type=media_type, headers=headers)


def file_or(media_type: str, *kinds: type[DomainError]) -> dict[str, Any]:
    """What OpenAPI says of a route that answers with a file, or refuses."""
    made = {200: {"content": {media_type: {"schema": {"type": "string", "format": "binary"}}}}}
    return {"response_class": Response, "responses": made | refusals(*kinds)}


@router.get("/tickets/{ticket_id}.pdf", tags=["tickets"], **file_or(pdf.MEDIA_TYPE, TicketNotFound))
async def get_ticket_pdf(ticket_id: UUID, user: CurrentUser, session: Session) -> Response:
    """A ticket to print, or to show on a phone."""
    found = await documents.one_ticket(session, user, ticket_id)
    made = await to_thread(pdf.tickets, found.order, found.tickets, found.locale)
    return private(made, pdf.MEDIA_TYPE, f"ticket-{ticket_id}.pdf")


@router.get("/tickets/{ticket_id}.svg", tags=["tickets"], **file_or(qr.MEDIA_TYPE, TicketNotFound))
async def get_qr_code(ticket_id: UUID, user: CurrentUser, session: Session) -> Response:
    """A ticket's QR code as an image that is crisp at any size."""
    ticket = await tickets.ticket(session, user, ticket_id)
    return private(qr.svg(ticket.code), qr.MEDIA_TYPE, f"ticket-{ticket_id}.svg")


@router.get("/tickets/{ticket_id}.ics", tags=["tickets"], **file_or(ics.MEDIA_TYPE, TicketNotFound))
async def get_calendar_entry(ticket_id: UUID, user: CurrentUser, session: Session) -> Response:
    """A ticket's showtime as a calendar entry (RFC 5545)."""
    ticket = await tickets.ticket(session, user, ticket_id)
    showtime = await tickets.showtime_of(session, ticket)
    return private(ics.entry(ticket, showtime), ics.MEDIA_TYPE, f"ticket-{ticket_id}.ics")


@router.get("/orders/{booking_id}/tickets.pdf", tags=["orders"], **file_or(pdf.MEDIA_TYPE, OrderNotFound, NotIssued))
async def get_tickets_pdf(booking_id: UUID, user: CurrentUser, session: Session) -> Response:
    """All tickets of an order, a page for each."""
    found = await documents.all_tickets(session, user, booking_id)
    made = await to_thread(pdf.tickets, found.order, found.tickets, found.locale)
    return private(made, pdf.MEDIA_TYPE, "tickets.pdf")


@router.get("/orders/{booking_id}/receipt.pdf", tags=["orders"], **file_or(pdf.MEDIA_TYPE, OrderNotFound, NotPaid))
async def get_receipt_pdf(booking_id: UUID, user: CurrentUser, session: Session) -> Response:
    """What was paid for an order, what of it is tax, and what of it went back."""
    order = await documents.paid_order(session, user, booking_id)
    made = await to_thread(pdf.receipt, order, order.refunds, order.customer, settings_of(session).vat_percent)
    return private(made, pdf.MEDIA_TYPE, f"receipt-{pdf.receipt_number(order)}.pdf")


@router.post("/orders/{booking_id}/resend", tags=["orders"], responses=refusals(OrderNotFound, NotIssued))
async def resend_tickets(booking_id: UUID, user: CurrentUser, session: Session) -> OrderView:
    """Mail the tickets again, to the customer's present address."""
    return OrderView.of(await resending.resend_tickets(session, user, booking_id), user)
