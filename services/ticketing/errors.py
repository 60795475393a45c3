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


class GuestsHaveNoWallet(DomainError):
    status = 403
    detail = "A guest's coins would be lost. Register first."


class OrderNotFound(DomainError):
    status = 404
    detail = "There is no such order."


class OrderExpired(DomainError):
    detail = "This order can no longer be paid. Please choose your seats again."


class AlreadyPaid(DomainError):
    detail = "This order is paid already."


class OrderInProgress(DomainError):
    detail = "The order is just being worked on. Please try again in a moment."
    retryable = True
    headers = {"Retry-After": "1"}


class AmountTooSmall(DomainError):
    """Carries `minimum`, in minor units."""

    status = 422
    detail = "The amount is below what cards can be charged. Pay with coins."


class RefundWindowClosed(DomainError):
    """Carries `closed_at`."""

    detail = "It is too late to cancel this order."


class TicketUsed(DomainError):
    """Carries `used`, the seats' labels."""

    detail = "Somebody has been let in with this ticket, so it can't be cancelled."


class NotRefundable(DomainError):
    """Carries `order_status`."""

    detail = "There is nothing to refund for this order."


class RefundTooLarge(DomainError):
    """Carries `refundable`, in minor units."""

    detail = "This is more than is left of what was paid."


class NothingToRetry(DomainError):
    """Carries `order_status`."""

    detail = "No refund of this order has failed."
