"""The ways this service can refuse."""

from services.shared.errors import DomainError


class TicketNotFound(DomainError):
    status = 404
    detail = "There is no such ticket."


class ShowtimeNotKnown(DomainError):
    status = 503
    detail = "What the programme says of this showtime has not arrived yet. Please try again in a moment."
    retryable = True

    @classmethod
    def code(cls) -> str:
        return "service_unavailable"


class LiveTicketExists(DomainError):
    detail = "Somebody has a ticket for this seat already."


class NotEnoughCoins(DomainError):
    """Carries `balance` and `needed`."""

    status = 402
    detail = "There are not enough coins in the wallet. Top it up or pay by card."


class GuestsHaveNoWallet(DomainError):
    status = 403
    detail = "A guest's coins would be lost. Register first."
