"""Charges: what one try with one card came to."""

import time

from infra.sandbox import events, lists
from infra.sandbox.cards import Card
from infra.sandbox.params import ById, ListByIntent
from infra.sandbox.store import Document, new_id
from infra.sandbox.world import Call


def create(call: Call, intent: Document, card: Card, *, paid: bool) -> Document:
    """The charge of a try that the bank has answered; uncaptured if the intent captures by hand."""
    captured = paid and intent["capture_method"] != "manual"
    charge: Document = {
        "id": new_id("ch"),
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": intent["amount"] if captured else 0,
        "amount_refunded": 0,
        "balance_transaction": None,
        "captured": captured,
        "created": int(time.time()),
        "currency": intent["currency"],
        "description": intent["description"],
        "disputed": False,
        "failure_code": None if paid else card.code,
        "failure_message": None if paid else card.message,
        "livemode": False,
        "metadata": intent["metadata"],
        "outcome": _outcome(card, paid),
        "paid": paid,
        "payment_intent": intent["id"],
        "payment_method": card.id,
        "payment_method_details": card.details(),
        "receipt_email": intent["receipt_email"],
        "refunded": False,
        "status": "succeeded" if paid else "failed",
    }
    call.store.insert("charge", charge, parent=intent["id"])
    events.emit(call, "charge.succeeded" if paid else "charge.failed", charge)
    return charge


def _outcome(card: Card, paid: bool) -> Document:
    network = "approved_by_network" if paid else "declined_by_network"
    kind = "authorized" if paid else "issuer_declined"
    return {"network_status": network, "reason": card.decline_code, "risk_level": "normal", "type": kind}


def capture(call: Call, charge: Document, amount: int) -> None:
    """Takes `amount`; the rest of the authorisation is given back."""
    charge.update(amount_captured=amount, captured=True, amount_refunded=charge["amount"] - amount)
    call.store.put(charge)
    events.emit(call, "charge.captured", charge)


def give_back(call: Call, charge: Document, amount: int) -> None:
    """`amount` is on its way back to the card; negative when a refund has failed."""
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    call.store.put(charge)
    if amount > 0:
        events.emit(call, "charge.refunded", charge)


def retrieve(call: Call, _params: ById, charge_id: str) -> Document:
    return lists.get(call, "charge", charge_id)


def index(call: Call, params: ListByIntent) -> Document:
    return lists.listing(call, "charge", params, lists.by_intent(params))
