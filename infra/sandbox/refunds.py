"""Refunds (https://docs.stripe.com/api/refunds): `pending`, then `succeeded` or `failed`; never more than charged."""

import time

from infra.sandbox import cards, charges, events, lists
from infra.sandbox.currencies import format_money
from infra.sandbox.errors import ApiError, InvalidParameter
from infra.sandbox.params import ById, CreateRefund, ListByCharge, UpdateMetadata
from infra.sandbox.store import Document, new_id
from infra.sandbox.world import Call


def create(call: Call, params: CreateRefund) -> Document:
    charge = _charge(call, params)
    amount = _refundable(charge, params.amount)
    refund: Document = {
        "id": new_id("re"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": int(time.time()),
        "currency": charge["currency"],
        "destination_details": {"card": {"type": "refund"}, "type": "card"},
        "metadata": lists.merge_metadata({}, params.metadata),
        "payment_intent": charge["payment_intent"],
        "reason": params.reason,
        "receipt_number": None,
        "status": "pending",
    }
    call.store.insert("refund", refund, parent=charge["payment_intent"])
    events.emit(call, "refund.created", refund)
    charges.give_back(call, charge, amount)
    call.store.set_timer(call.world.settings.refund_seconds, "refund.settle", refund["id"])
    return refund


def _charge(call: Call, params: CreateRefund) -> Document:
    if params.charge is not None:
        return lists.get(call, "charge", params.charge, "charge")
    if params.payment_intent is None:
        message = "One of the following params should be provided for this request: payment_intent or charge."
        raise InvalidParameter(message, None, "parameter_missing")
    intent = lists.get(call, "payment_intent", params.payment_intent, "payment_intent")
    if intent["latest_charge"] is None:
        raise ApiError(
            f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.", param="payment_intent"
        )
    return lists.get(call, "charge", intent["latest_charge"])


def _refundable(charge: Document, wanted: int | None) -> int:
    """The amount to refund. Raises ApiError where Stripe refuses."""
    if not charge["captured"]:
        raise ApiError(f"Charge {charge['id']} does not hold money that could be refunded.", param="charge")
    if charge["disputed"]:
        raise ApiError(f"Charge {charge['id']} has been charged back; cannot issue a refund.", code="charge_disputed")
    left = charge["amount"] - charge["amount_refunded"]
    if left == 0:
        raise ApiError(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    amount = left if wanted is None else wanted
    if amount > left:
        asked, rest = (format_money(sum_, charge["currency"]) for sum_ in (amount, left))
        message = f"Refund amount ({asked}) is greater than unrefunded amount on charge ({rest})"
        raise ApiError(message, code="amount_too_large", param="amount")
    return amount


def settle(call: Call, refund_id: str) -> None:
    """The bank's answer to a pending refund; one that fails puts its amount back on the charge."""
    refund = lists.get(call, "refund", refund_id)
    charge = lists.get(call, "charge", refund["charge"])
    if cards.get(charge["payment_method"]).refund_fails or call.world.trouble.strikes("refund_fail"):
        refund.update(status="failed", failure_reason="unknown")
        charges.give_back(call, charge, -refund["amount"])
    else:
        refund["status"] = "succeeded"
    call.store.put(refund)
    events.emit(call, "refund.updated", refund, {"status": "pending"})
    if refund["status"] == "failed":
        events.emit(call, "refund.failed", refund)


def retrieve(call: Call, _params: ById, refund_id: str) -> Document:
    return lists.get(call, "refund", refund_id)


def update(call: Call, params: UpdateMetadata, refund_id: str) -> Document:
    refund = lists.get(call, "refund", refund_id)
    if "metadata" in params.model_fields_set:
        refund["metadata"] = lists.merge_metadata(refund["metadata"], params.metadata)
    call.store.put(refund)
    return refund


def index(call: Call, params: ListByCharge) -> Document:
    conditions = lists.by_intent(params)
    if params.charge is not None:
        conditions.append(("json_extract(doc, '$.charge') = ?", [params.charge]))
    return lists.listing(call, "refund", params, conditions)
