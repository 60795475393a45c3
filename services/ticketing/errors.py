"""The ways this service can refuse."""

from services.shared.errors import DomainError


class TicketNotFound(DomainError):
    status = 404
    detail = "There is no such ticket."


class LiveTicketExists(DomainError):
    detail = "Somebody has a ticket for this seat already."


class NotEnoughCoins(DomainError):
    """Carries `balance` and `needed`."""

    status = 402
    detail = "There are not enough coins in the wallet. Top it up or pay by card."
