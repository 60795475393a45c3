"""What a card does to a payment intent: one function for each of the ways it can go."""

import time
from urllib.parse import urlencode

from infra.sandbox import cards, charges, disputes, events, lists
from infra.sandbox.cards import Card
from infra.sandbox.errors import ApiError
from infra.sandbox.store import Document
from infra.sandbox.world import Call

REFUSED_MESSAGE = (
    "We are unable to authenticate your payment method. Please choose a different payment method and try again."
)


def attempt(call: Call, intent: Document, card: Card, return_url: str | None) -> None:
    """Tries the card. Raises ApiError 402 `card_error`, after which the intent waits for another card."""
    intent.update(payment_method=card.id, last_payment_error=None, next_action=None)
    if card.outcome == "challenges":
        _challenge(call, intent, return_url)
    elif card.outcome == "processes":
        _process(call, intent)
    elif card.outcome == "declines":
        raise _decline(call, intent, card)
    else:
        succeed(call, intent, card)


def succeed(call: Call, intent: Document, card: Card) -> None:
    charge = charges.create(call, intent, card, paid=True)
    intent.update(latest_charge=charge["id"], next_action=None)
    if intent["capture_method"] == "manual":
        intent.update(status="requires_capture", amount_capturable=intent["amount"])
        _save(call, intent, "payment_intent.amount_capturable_updated")
    else:
        intent.update(status="succeeded", amount_received=intent["amount"])
        _save(call, intent, "payment_intent.succeeded")
    if card.is_disputed:
        disputes.open_by_bank(call, charge, "fraudulent")


def _decline(call: Call, intent: Document, card: Card) -> ApiError:
    charge = charges.create(call, intent, card, paid=False)
    details = {"charge": charge["id"], "decline_code": card.decline_code}
    return fail(call, intent, card, card.code, card.message or "Your card was declined.", details)


def fail(
    call: Call, intent: Document, card: Card, code: str | None, message: str, details: Document | None = None
) -> ApiError:
    """Back to `requires_payment_method`; returns the error that the one who confirmed is to see."""
    told = {**(details or {}), "payment_method": {"id": card.id, "object": "payment_method", **card.details()}}
    intent.update(
        status="requires_payment_method",
        payment_method=None,
        next_action=None,
        last_payment_error={"type": "card_error", "code": code, "message": message, **told},
        latest_charge=told.get("charge", intent["latest_charge"]),
    )
    _save(call, intent, "payment_intent.payment_failed")
    told["payment_intent"] = intent
    return ApiError(message, status=402, kind="card_error", code=code, details=told)


def _challenge(call: Call, intent: Document, return_url: str | None) -> None:
    page = f"{call.origin}/sandbox/3ds/{intent['id']}?{urlencode({'client_secret': intent['client_secret']})}"
    redirect = {"url": page, "return_url": return_url}
    intent.update(status="requires_action", next_action={"type": "redirect_to_url", "redirect_to_url": redirect})
    _save(call, intent, "payment_intent.requires_action")


def answer_challenge(call: Call, intent: Document, approved: bool) -> None:
    """The cardholder's word at the bank. Raises ApiError 400 unless the bank has asked."""
    if intent["status"] != "requires_action":
        raise ApiError(f"No bank is asking about this payment: its status is {intent['status']}.")
    card = cards.get(intent["payment_method"])
    if approved:
        succeed(call, intent, card)
    else:
        fail(call, intent, card, "payment_intent_authentication_failure", REFUSED_MESSAGE)


def _process(call: Call, intent: Document) -> None:
    intent["status"] = "processing"
    _save(call, intent, "payment_intent.processing")
    call.store.set_timer(call.world.settings.slow_seconds, "intent.settle", intent["id"])


def settle(call: Call, intent_id: str) -> None:
    """The slow bank has answered."""
    intent = lists.get(call, "payment_intent", intent_id)
    succeed(call, intent, cards.get(intent["payment_method"]))


def _save(call: Call, intent: Document, event: str) -> None:
    call.store.put(intent)
    events.emit(call, event, intent)


def capture(call: Call, intent: Document, amount: int) -> None:
    charges.capture(call, lists.get(call, "charge", intent["latest_charge"]), amount)
    intent.update(status="succeeded", amount_received=amount, amount_capturable=0)
    _save(call, intent, "payment_intent.succeeded")


def cancel(call: Call, intent: Document, reason: str | None) -> None:
    """Also gives back an authorisation that was not captured."""
    if intent["status"] == "requires_capture":
        charges.give_back(call, lists.get(call, "charge", intent["latest_charge"]), intent["amount_capturable"])
    intent.update(
        status="canceled",
        amount_capturable=0,
        canceled_at=int(time.time()),
        cancellation_reason=reason,
        next_action=None,
    )
    _save(call, intent, "payment_intent.canceled")
