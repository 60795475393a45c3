"""Events: written with the change they tell of, in the same transaction."""

import time

from infra.sandbox import lists, webhooks
from infra.sandbox.params import ById, ListEvents
from infra.sandbox.store import Condition, Document, new_id
from infra.sandbox.world import Call

API_VERSION = "2026-10-28.endive"
UNDELIVERED = "id in (select event from delivery where state != 'delivered')"


def emit(call: Call, event_type: str, subject: Document, previous: Document | None = None) -> None:
    """Stores the event with a snapshot of `subject` and has it sent. `previous`: the values that an update replaced."""
    data: Document = {"object": subject}
    if previous is not None:
        data["previous_attributes"] = previous
    event: Document = {
        "id": new_id("evt"),
        "object": "event",
        "api_version": API_VERSION,
        "created": int(time.time()),
        "data": data,
        "livemode": False,
        "pending_webhooks": 0,
        "request": {"id": call.request_id, "idempotency_key": call.idempotency_key},
        "type": event_type,
    }
    intent = subject["id"] if subject["object"] == "payment_intent" else subject["payment_intent"]
    event["pending_webhooks"] = webhooks.schedule(call, event, intent)
    call.store.insert("event", event, parent=intent)


def retrieve(call: Call, _params: ById, event_id: str) -> Document:
    return lists.get(call, "event", event_id)


def index(call: Call, params: ListEvents) -> Document:
    return lists.listing(call, "event", params, _conditions(params))


def _conditions(params: ListEvents) -> list[Condition]:
    conditions: list[Condition] = []
    types = params.types or ([params.type] if params.type else [])
    if types:
        patterns = [wanted.replace("*", "%") for wanted in types]
        conditions.append((" or ".join(["json_extract(doc, '$.type') like ?"] * len(types)), patterns))
    if params.delivery_success is not None:
        conditions.append((f"{'not' if params.delivery_success else ''} {UNDELIVERED}", []))
    return conditions
