"""The ways this service can refuse."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from services.shared.errors import DomainError

MinorUnits = Annotated[int, Field(description="Minor units.")]
Coins = Annotated[int, Field(description="Coins.")]


class TicketNotFound(DomainError):
    status = 404
    detail = "There is no such ticket."


class LiveTicketExists(DomainError):
    detail = "Somebody has a ticket for this seat already."


class NotEnoughCoins(DomainError):
    status = 402
    carries = {"balance": Coins, "needed": Coins}
    detail = "There are not enough coins in the wallet. Top it up or pay by card."


class GuestsHaveNoWallet(DomainError):
    status = 403
    detail = "A guest's coins would be lost. Register first."


class OrderNotFound(DomainError):
    status = 404
    detail = "There is no such order."


class OrderExpired(DomainError):
    carries = {"order_status": str | None}
    detail = "This order can no longer be paid. Please choose your seats again."


class AlreadyPaid(DomainError):
    carries = {"order_status": str}
    detail = "This order is paid already."


class OrderInProgress(DomainError):
    carries = {"order_status": str | None}
    detail = "The order is just being worked on. Please try again in a moment."
    retryable = True
    headers = {"Retry-After": "1"}


class AmountTooSmall(DomainError):
    status = 422
    carries = {"minimum": MinorUnits}
    detail = "The amount is below what cards can be charged. Pay with coins."


class RefundWindowClosed(DomainError):
    carries = {"closed_at": datetime}
    detail = "It is too late to cancel this order. Ask the box office."


class TicketUsed(DomainError):
    carries = {"used": list[str]}
    detail = "Somebody has been let in with this ticket, so it can't be cancelled."


class NotRefundable(DomainError):
    carries = {"order_status": str}
    detail = "There is nothing to refund for this order."


class RefundTooLarge(DomainError):
    carries = {"refundable": MinorUnits}
    detail = "This is more than is left of what was paid. Up to `refundable` is possible."


class NothingToRetry(DomainError):
    carries = {"order_status": str}
    detail = "Nothing of this order is waiting or has failed."


class PromoCodeNotFound(DomainError):
    status = 404
    detail = "There is no such promo code."


class PromoCodeTaken(DomainError):
    detail = "There is a promo code with this name already; upper and lower case are the same."


class Objection(StrEnum):
    """Why a promo code can't be used for an order."""

    UNKNOWN = "unknown"
    NOT_ACTIVE = "not_active"
    NOT_YET_VALID = "not_yet_valid"
    EXPIRED = "expired"
    BELOW_MINIMUM = "below_minimum"
    USED_UP = "used_up"
    USED_UP_FOR_YOU = "used_up_for_you"


class PromoNotValid(DomainError):
    status = 422
    carries = {"reason": Objection, "min_total": MinorUnits | None}
    detail = "This promo code cannot be used for this order. The field `reason` says why."
    sentences = {
        Objection.UNKNOWN: "We don't know this promo code. Please check how it is written.",
        Objection.NOT_ACTIVE: "This promo code is not in use any more.",
        Objection.NOT_YET_VALID: "This promo code is not valid yet.",
        Objection.EXPIRED: "This promo code is no longer valid.",
        Objection.BELOW_MINIMUM: "This order costs too little for this promo code.",
        Objection.USED_UP: "This promo code has been used as often as it may be.",
        Objection.USED_UP_FOR_YOU: "You have used this promo code as often as you may.",
    }

    def __init__(self, reason: Objection, **fields: Any) -> None:
        super().__init__(self.sentences[reason], reason=reason, **fields)


class NotPaid(DomainError):
    carries = {"order_status": str}
    detail = "This order was not paid, so there is no receipt for it."


class NotIssued(DomainError):
    carries = {"order_status": str}
    detail = "There are no valid tickets for this order."


class PaymentDisputed(DomainError):
    detail = "The payment is disputed at the bank, so nothing can be given back until it has decided."
