"""The ways this service can refuse."""

from services.shared.errors import DomainError


class ShowtimeNotFound(DomainError):
    status = 404
    detail = "There is no such showtime."


class HoldNotFound(DomainError):
    status = 404
    detail = "You have no such hold."


class SeatsTaken(DomainError):
    """`taken` names those of the asked seats, `alternatives` others as near as possible."""

    detail = "Somebody else was faster with these seats."


class LeavesSingleSeat(DomainError):
    detail = "This choice would leave a single seat that hardly anybody can use. The alternatives avoid it."


class SalesClosed(DomainError):
    detail = "Seats of this showtime are no longer sold."


class TooManyHolds(DomainError):
    detail = "You already hold seats of this showtime twice. Pay for one of these holds or give it back."


class UnknownSeats(DomainError):
    status = 422
    detail = "The hall of this showtime has no such seats."


class TicketTypeNotOffered(DomainError):
    status = 422
    detail = "This showtime has no such ticket for this category of seats."


class CompanionNeedsAccessible(DomainError):
    status = 422
    detail = "A companion's seat is sold together with the accessible seat beside it."


class PaymentInProgress(DomainError):
    detail = "A payment of this hold has been started. Cancel the order to give the seats back."


class AlreadySold(DomainError):
    detail = "These seats are paid for. Cancel the order to return them."
