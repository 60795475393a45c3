"""Events in."""

from services.catalog import commands
from services.shared.events import (
    HallClosed,
    HallLayoutPublished,
    TheaterChanged,
    TicketIssued,
    TicketVoided,
    UserErased,
)
from services.shared.messaging import Handlers

HANDLERS: Handlers = {
    TheaterChanged: commands.keep_theater,
    HallLayoutPublished: commands.keep_hall,
    HallClosed: commands.close_hall,
    TicketIssued: commands.keep_visit,
    TicketVoided: commands.void_visit,
    UserErased: commands.forget_user,
}
