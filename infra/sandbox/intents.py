"""Payment intents (https://docs.stripe.com/api/payment_intents): which operation is allowed in which status."""

import hmac
import time

from infra.sandbox import cards, events, lists, payments
from infra.sandbox.currencies import MAXIMUM, MINIMUM, format_money
from infra.sandbox.errors import ApiError, InvalidParameter, UnexpectedState
from infra.sandbox.params import (
    CancelIntent,
    CaptureIntent,
    ConfirmIntent,
    CreateIntent,
    Listing,
    RetrieveIntent,
    UpdateIntent,
)
from infra.sandbox.store import Document, new_id
from infra.sandbox.world import Call

OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")
CANCELABLE = ("requires_payment_method", "requires_capture", "requires_confirmation", "requires_action")
ECHOED = {
    "description",
    "receipt_email",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_group",
    "payment_method_types",
    "payment_method_options",
    "excluded_payment_method_types",
    "setup_future_usage",
    "shipping",
}
PRICED = ("amount", "currency", "payment_method")


def create(call: Call, params: CreateIntent) -> Document:
    _check_amount(params.amount, params.currency)
    card = None if params.payment_method is None else cards.get(params.payment_method)
    if params.confirm and card is None:
        raise InvalidParameter("You cannot confirm this PaymentIntent without a payment method.", "payment_method")
    intent = _new(params)
    call.store.insert("payment_intent", intent)
    events.emit(call, "payment_intent.created", intent)
    if card is not None and params.confirm:
        payments.attempt(call, intent, card, params.return_url)
    return intent


def _new(params: CreateIntent) -> Document:
    intent_id = new_id("pi")
    methods = params.automatic_payment_methods
    echoed = {"payment_method_types": ["card"], "payment_method_options": {}}
    return {
        "id": intent_id,
        "object": "payment_intent",
        "amount": params.amount,
        "amount_capturable": 0,
        "amount_received": 0,
        "automatic_payment_methods": None if methods is None else methods.model_dump(),
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": params.capture_method,
        "client_secret": f"{intent_id}_{new_id('secret')}",
        "confirmation_method": "automatic",
        "created": int(time.time()),
        "currency": params.currency,
        "customer": None,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": lists.merge_metadata({}, params.metadata),
        "next_action": None,
        "payment_method": params.payment_method,
        "processing": None,
        "status": "requires_confirmation" if params.payment_method else "requires_payment_method",
        **{field: value or echoed.get(field) for field, value in params.model_dump(include=ECHOED).items()},
    }


def _check_amount(amount: int, currency: str) -> None:
    if amount < MINIMUM[currency]:
        message = f"Amount must be at least {format_money(MINIMUM[currency], currency)}."
        raise InvalidParameter(message, "amount", "amount_too_small")
    if amount > MAXIMUM:
        message = f"Amount must be no more than {format_money(MAXIMUM, currency)}."
        raise InvalidParameter(message, "amount", "amount_too_large")


def retrieve(call: Call, params: RetrieveIntent, intent_id: str) -> Document:
    return _owned(call, params, intent_id)


def _owned(call: Call, params: RetrieveIntent, intent_id: str) -> Document:
    """The intent; if a client secret is given, it must be this intent's."""
    intent = lists.get(call, "payment_intent", intent_id, "intent")
    secret = params.client_secret
    if secret is not None and not hmac.compare_digest(secret.encode(), intent["client_secret"].encode()):
        message = "The client_secret provided does not match the client_secret associated with the PaymentIntent."
        raise ApiError(message, code="payment_intent_invalid_parameter", param="client_secret", executed=False)
    return intent


def index(call: Call, params: Listing) -> Document:
    return lists.listing(call, "payment_intent", params)


def update(call: Call, params: UpdateIntent, intent_id: str) -> Document:
    """Texts and metadata at any time; amount, currency and card only while open, then to be confirmed again."""
    intent = lists.get(call, "payment_intent", intent_id, "intent")
    priced = {field: value for field in PRICED if (value := getattr(params, field)) is not None}
    for field in priced:
        if intent["status"] not in OPEN:
            message = (
                f"This PaymentIntent's {field} could not be updated because it has a status of {intent['status']}. "
                f"You may only update the {field} of a PaymentIntent with one of the following statuses: "
                f"{', '.join(OPEN)}."
            )
            raise UnexpectedState(message, intent, field)
    _check_amount(params.amount or intent["amount"], params.currency or intent["currency"])
    if "payment_method" in priced:
        cards.get(priced["payment_method"])
    intent.update(priced)
    intent.update(params.model_dump(include=ECHOED & params.model_fields_set))
    if "metadata" in params.model_fields_set:
        intent["metadata"] = lists.merge_metadata(intent["metadata"], params.metadata)
    if priced and intent["payment_method"] is not None:
        intent.update(status="requires_confirmation", next_action=None)
    call.store.put(intent)
    return intent


def confirm(call: Call, params: ConfirmIntent, intent_id: str) -> Document:
    """By the server, or by a browser with the client secret. Raises ApiError 402 when the card is declined."""
    intent = _owned(call, params, intent_id)
    if intent["status"] not in OPEN:
        message = f"You cannot confirm this PaymentIntent because it has a status of {intent['status']}."
        raise UnexpectedState(message, intent)
    method = params.payment_method or intent["payment_method"]
    if method is None:
        message = (
            "You cannot confirm this PaymentIntent because it's missing a payment method. Update the PaymentIntent "
            "with a payment method and then confirm it again."
        )
        raise UnexpectedState(message, intent)
    card = cards.get(method)
    if params.receipt_email is not None:
        intent["receipt_email"] = params.receipt_email
    payments.attempt(call, intent, card, params.return_url)
    return intent


def cancel(call: Call, params: CancelIntent, intent_id: str) -> Document:
    """What a bank is still working on cannot be cancelled."""
    intent = lists.get(call, "payment_intent", intent_id, "intent")
    if intent["status"] not in CANCELABLE:
        message = (
            f"You cannot cancel this PaymentIntent because it has a status of {intent['status']}. Only a PaymentIntent "
            f"with one of the following statuses may be canceled: {', '.join(CANCELABLE)}."
        )
        raise UnexpectedState(message, intent)
    payments.cancel(call, intent, params.cancellation_reason)
    return intent


def capture(call: Call, params: CaptureIntent, intent_id: str) -> Document:
    intent = lists.get(call, "payment_intent", intent_id, "intent")
    if intent["status"] != "requires_capture":
        message = (
            f"This PaymentIntent could not be captured because it has a status of {intent['status']}. "
            "Only a PaymentIntent with one of the following statuses may be captured: requires_capture."
        )
        raise UnexpectedState(message, intent)
    amount = params.amount_to_capture or intent["amount_capturable"]
    if amount > intent["amount_capturable"]:
        message = f"The amount to capture is more than {intent['amount_capturable']}, which was authorised."
        raise ApiError(message, code="amount_too_large", param="amount_to_capture")
    payments.capture(call, intent, amount)
    return intent
