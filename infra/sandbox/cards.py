"""The magic cards (https://docs.stripe.com/testing), and `pm_card_slow`, which is the sandbox's own."""

from dataclasses import dataclass
from typing import Literal

from infra.sandbox.errors import ApiError
from infra.sandbox.store import Document


@dataclass(frozen=True, slots=True)
class Card:
    """What happens at confirm, and, for `refund_fails` and `is_disputed`, later."""

    id: str
    label: str
    brand: str
    last4: str
    outcome: Literal["succeeds", "declines", "challenges", "processes"] = "succeeds"
    code: str | None = None
    decline_code: str | None = None
    message: str | None = None
    refund_fails: bool = False
    is_disputed: bool = False

    def details(self) -> Document:
        face = {"brand": self.brand, "country": "US", "exp_month": 12, "exp_year": 2040, "funding": "credit"}
        return {"type": "card", "card": {**face, "last4": self.last4, "network": self.brand, "wallet": None}}


def _declined(name: str, label: str, last4: str, code: str, decline_code: str, message: str) -> Card:
    return Card(f"pm_card_{name}", label, "visa", last4, "declines", code, decline_code, message)


CARDS = {
    card.id: card
    for card in (
        Card("pm_card_visa", "Visa", "visa", "4242"),
        Card("pm_card_mastercard", "Mastercard", "mastercard", "4444"),
        Card("pm_card_amex", "American Express", "amex", "0005"),
        Card("pm_card_threeDSecure2Required", "Visa, bank asks (3-D Secure)", "visa", "3220", "challenges"),
        Card("pm_card_slow", "Visa, slow bank", "visa", "0001", "processes"),
        _declined("chargeDeclined", "Visa, declined", "0002", "card_declined", "generic_decline",
                  "Your card was declined."),
        _declined("chargeDeclinedInsufficientFunds", "Visa, no money", "9995", "card_declined", "insufficient_funds",
                  "Your card has insufficient funds."),
        _declined("chargeDeclinedExpiredCard", "Visa, expired", "0069", "expired_card", "expired_card",
                  "Your card has expired."),
        Card("pm_card_refundFail", "Visa, its refunds fail", "visa", "5126", refund_fails=True),
        Card("pm_card_createDispute", "Visa, its owner disputes", "visa", "0259", is_disputed=True),
    )
}  # fmt: skip


def get(card_id: str) -> Card:
    """Raises ApiError 400 `resource_missing`."""
    if card_id not in CARDS:
        message = f"No such PaymentMethod: '{card_id}'"
        raise ApiError(message, code="resource_missing", param="payment_method", executed=False)
    return CARDS[card_id]
