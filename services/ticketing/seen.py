"""What Stripe says of payments and refunds, in our words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel

from services.ticketing.models import IntentStatus, RefundStatus

OPEN = {"requires_payment_method", "requires_confirmation", "requires_action", "requires_capture"}
REFUNDS = {"succeeded": RefundStatus.SUCCEEDED, "failed": RefundStatus.FAILED, "canceled": RefundStatus.FAILED}


class SignedEvent(BaseModel):
    """What every event has (https://docs.stripe.com/api/events/object), beside much that depends on its type."""

    id: str
    type: str
    created: int
    data: dict[str, Any]


@dataclass(frozen=True)
class SeenIntent:
    """A PaymentIntent as it was at `at` or later, by Stripe's clock; amounts in minor units of the ISO `currency`."""

    id: str
    status: IntentStatus
    amount: int
    currency: str
    livemode: bool
    metadata: Mapping[str, str]
    client_secret: str | None
    failure: str | None
    at: datetime


@dataclass(frozen=True)
class SeenRefund:
    id: str
    payment_id: str
    status: RefundStatus
    amount: int
    currency: str
    metadata: Mapping[str, str]
    failure: str | None


def seen_intent(values: Mapping[str, Any], at: datetime | None = None) -> SeenIntent:
    """`at`: when Stripe says that it was so. An answer to a question of ours does not say it."""
    error = values.get("last_payment_error") or {}
    status = IntentStatus.OPEN if values["status"] in OPEN else IntentStatus(values["status"])
    return SeenIntent(
        id=values["id"],
        status=status,
        amount=values["amount_received"] if status is IntentStatus.SUCCEEDED else values["amount"],
        currency=values["currency"].upper(),
        livemode=values["livemode"],
        metadata=values["metadata"],
        client_secret=values.get("client_secret"),
        failure=error.get("decline_code") or error.get("code"),
        at=at or datetime.fromtimestamp(values["created"], UTC),
    )


def seen_refund(values: Mapping[str, Any]) -> SeenRefund:
    """`requires_action` is pending, `canceled` has failed (https://docs.stripe.com/api/refunds/object)."""
    return SeenRefund(
        id=values["id"],
        payment_id=values["payment_intent"],
        status=REFUNDS.get(values["status"], RefundStatus.PENDING),
        amount=values["amount"],
        currency=values["currency"].upper(),
        metadata=values["metadata"] or {},
        failure=values.get("failure_reason"),
    )
