"""The ways this service can refuse."""

from dataclasses import dataclass

from services.reservations.money import Money
from services.shared.errors import DomainError


@dataclass(frozen=True)
class Alternative:
    """Other seats, by their labels, and what all of them cost."""

    seats: list[str]
    total: Money


class ShowtimeNotFound(DomainError):
    status = 404
    detail = "There is no such showtime."


class HoldNotFound(DomainError):
    status = 404
    detail = "You have no such hold."


class SeatsTaken(DomainError):
    """`taken` names those of the asked seats, `alternatives` up to three other places as near as possible."""

    carries = {"taken": list[str], "alternatives": list[Alternative]}
    detail = "Somebody else was faster with these seats. Choose others, such as the alternatives."


class LeavesSingleSeat(DomainError):
    carries = {"alternatives": list[Alternative]}
    detail = "This choice would leave a single seat that hardly anybody can use. The alternatives avoid it."


class SalesClosed(DomainError):
    detail = "Seats of this showtime are no longer sold."


class TooManyHolds(DomainError):
    detail = "You already hold seats of this showtime twice. Pay for one of these holds or give it back."


class UnknownSeats(DomainError):
    status = 422
    carries = {"labels": list[str]}
    detail = "The hall of this showtime has no such seats. Fetch its layout again."


class TicketTypeNotOffered(DomainError):
    status = 422
    carries = {"label": str | None, "category": str | None, "ticket_type": str}
    detail = "This showtime has no such ticket for this category of seats. Choose one that has a price."


class CompanionNeedsAccessible(DomainError):
    status = 422
    detail = "A companion's seat is sold together with the accessible seat beside it. Choose both."


class PaymentInProgress(DomainError):
    detail = "A payment of this hold has been started. Cancel the order to give the seats back."


class AlreadySold(DomainError):
    detail = "These seats are paid for. Cancel the order to return them."
