"""Events in."""

from sqlalchemy.ext.asyncio import AsyncSession

from services.catalog import commands
from services.shared.events import HallClosed, HallLayoutPublished, TheaterChanged, TicketIssued, TicketVoided
from services.shared.messaging import Handlers


async def ticket_issued(session: AsyncSession, event: TicketIssued) -> None:
    await commands.count_tickets(session, event.showtime_id, 1)


async def ticket_voided(session: AsyncSession, event: TicketVoided) -> None:
    await commands.count_tickets(session, event.showtime_id, -1)


HANDLERS: Handlers = {
    TheaterChanged: commands.keep_theater,
    HallLayoutPublished: commands.keep_hall,
    HallClosed: commands.close_hall,
    TicketIssued: ticket_issued,
    TicketVoided: ticket_voided,
}
