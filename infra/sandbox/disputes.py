"""Disputes: a cardholder calls a charge back, the bank decides."""

import time

from infra.sandbox import events, lists
from infra.sandbox.errors import ApiError
from infra.sandbox.params import ById, CloseDispute, CreateDispute, ListByCharge
from infra.sandbox.store import Document, new_id
from infra.sandbox.world import Call


def create(call: Call, params: CreateDispute) -> Document:
    """The sandbox's trigger; at Stripe only a bank can do it."""
    intent = lists.get(call, "payment_intent", params.payment_intent, "payment_intent")
    if intent["status"] != "succeeded":
        raise ApiError(f"Nothing was charged: the status of {intent['id']} is {intent['status']}.")
    charge = lists.get(call, "charge", intent["latest_charge"])
    if charge["disputed"]:
        raise ApiError(f"Charge {charge['id']} is disputed already.")
    return open_by_bank(call, charge, params.reason)


def open_by_bank(call: Call, charge: Document, reason: str) -> Document:
    dispute: Document = {
        "id": new_id("dp"),
        "object": "dispute",
        "amount": charge["amount"] - charge["amount_refunded"],
        "charge": charge["id"],
        "created": int(time.time()),
        "currency": charge["currency"],
        "is_charge_refundable": False,
        "livemode": False,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "reason": reason,
        "status": "needs_response",
    }
    charge["disputed"] = True
    call.store.put(charge)
    call.store.insert("dispute", dispute, parent=charge["payment_intent"])
    events.emit(call, "charge.dispute.created", dispute)
    events.emit(call, "charge.dispute.funds_withdrawn", dispute)
    return dispute


def close(call: Call, params: CloseDispute, dispute_id: str) -> Document:
    """won: the money comes back to the cinema."""
    dispute = lists.get(call, "dispute", dispute_id)
    if dispute["status"] != "needs_response":
        raise ApiError(f"Dispute {dispute_id} is closed: {dispute['status']}.")
    dispute["status"] = params.status
    call.store.put(dispute)
    events.emit(call, "charge.dispute.closed", dispute)
    if params.status == "won":
        events.emit(call, "charge.dispute.funds_reinstated", dispute)
    return dispute


def retrieve(call: Call, _params: ById, dispute_id: str) -> Document:
    return lists.get(call, "dispute", dispute_id)


def index(call: Call, params: ListByCharge) -> Document:
    conditions = lists.by_intent(params)
    if params.charge is not None:
        conditions.append(("json_extract(doc, '$.charge') = ?", [params.charge]))
    return lists.listing(call, "dispute", params, conditions)
