"""Events in."""

from services.shared.events import ShowtimeChanged, ShowtimeScheduled, TicketIssued, TicketVoided
from services.shared.messaging import Handlers
from services.users.commands import copies

HANDLERS: Handlers = {
    ShowtimeScheduled: copies.keep_showtime,
    ShowtimeChanged: copies.keep_showtime,
    TicketIssued: copies.keep_ticket,
    TicketVoided: copies.void_ticket,
}
