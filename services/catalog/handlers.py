"""Events in."""

from sqlalchemy.ext.asyncio import AsyncSession

from services.catalog import commands
from services.shared import erasure
from services.shared.events import (
    HallClosed,
    HallLayoutPublished,
    TheaterChanged,
    TicketIssued,
    TicketVoided,
    UserErased,
)
from services.shared.messaging import Handlers


async def forget_user(session: AsyncSession, event: UserErased) -> None:
    await commands.forget_user(session, event)
    await erasure.forget(session, event.user_id)


HANDLERS: Handlers = {
    TheaterChanged: commands.keep_theater,
    HallLayoutPublished: commands.keep_hall,
    HallClosed: commands.close_hall,
    TicketIssued: commands.keep_visit,
    TicketVoided: commands.void_visit,
    UserErased: forget_user,
}
