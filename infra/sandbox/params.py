"""The parameters each operation takes; what is not named here is refused as unknown."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, HttpUrl

from infra.sandbox.currencies import MINIMUM


def _to_list(value: object) -> object:
    return list(value.values()) if isinstance(value, dict) else value


def _to_range(value: object) -> object:
    return value if isinstance(value, dict) else {"gte": value, "lte": value}


def _empty_to_none(value: object) -> object:
    return None if value == "" else value


def _known_currency(value: str) -> str:
    if value.lower() not in MINIMUM:
        raise ValueError(f"{value}. The sandbox knows {', '.join(sorted(MINIMUM))}")
    return value.lower()


Strings = Annotated[list[str], BeforeValidator(_to_list)]
Metadata = Annotated[
    dict[Annotated[str, Field(max_length=40)], Annotated[str, Field(max_length=500)]] | None,
    Field(max_length=50),
    BeforeValidator(_empty_to_none),
]
Amount = Annotated[int, Field(ge=1)]
Url = Annotated[str, AfterValidator(lambda url: str(HttpUrl(url)) and url)]


class Params(BaseModel):
    model_config = ConfigDict(extra="forbid")

    expand: Strings = []


class ById(Params):
    """Nothing but the id in the path."""


class Range(BaseModel):
    """Unix seconds."""

    model_config = ConfigDict(extra="forbid")

    gt: int | None = None
    gte: int | None = None
    lt: int | None = None
    lte: int | None = None


class Listing(Params):
    limit: int = Field(10, ge=1, le=100)
    starting_after: str | None = None
    ending_before: str | None = None
    created: Annotated[Range | None, BeforeValidator(_to_range)] = None


class AutomaticPaymentMethods(BaseModel):
    model_config = ConfigDict(extra="forbid")

    enabled: bool
    allow_redirects: Literal["always", "never"] = "always"


class IntentFields(Params):
    metadata: Metadata = None
    description: str | None = None
    receipt_email: str | None = None
    statement_descriptor: str | None = Field(None, max_length=22)
    statement_descriptor_suffix: str | None = Field(None, max_length=22)
    transfer_group: str | None = None
    payment_method: str | None = None
    payment_method_types: Strings | None = None
    payment_method_options: dict[str, Any] | None = None
    excluded_payment_method_types: Strings | None = None
    setup_future_usage: Literal["off_session", "on_session"] | None = None
    shipping: dict[str, Any] | None = None


class CreateIntent(IntentFields):
    amount: Amount
    currency: Annotated[str, AfterValidator(_known_currency)]
    automatic_payment_methods: AutomaticPaymentMethods | None = None
    capture_method: Literal["automatic", "automatic_async", "manual"] = "automatic_async"
    confirm: bool = False
    return_url: Url | None = None


class UpdateIntent(IntentFields):
    amount: Amount | None = None
    currency: Annotated[str, AfterValidator(_known_currency)] | None = None


class RetrieveIntent(Params):
    client_secret: str | None = None
    key: str | None = None


class ConfirmIntent(RetrieveIntent):
    """`key` is the publishable key, as Stripe.js sends it."""

    payment_method: str | None = None
    receipt_email: str | None = None
    return_url: Url | None = None


class CancelIntent(Params):
    cancellation_reason: Literal["duplicate", "fraudulent", "requested_by_customer", "abandoned"] | None = None


class CaptureIntent(Params):
    amount_to_capture: Amount | None = None


class ListByIntent(Listing):
    payment_intent: str | None = None


class ListByCharge(ListByIntent):
    charge: str | None = None


class CreateRefund(Params):
    payment_intent: str | None = None
    charge: str | None = None
    amount: Amount | None = None
    reason: Literal["duplicate", "fraudulent", "requested_by_customer"] | None = None
    metadata: Metadata = None


class UpdateMetadata(Params):
    metadata: Metadata = None


class CreateDispute(Params):
    """The sandbox's own: a cardholder complains at the bank."""

    payment_intent: str
    reason: Literal["fraudulent", "product_not_received", "duplicate", "credit_not_processed", "general"] = "fraudulent"


class CloseDispute(Params):
    status: Literal["won", "lost"]


class BankDecision(Params):
    """What the cardholder tells the bank (3-D Secure)."""

    decision: Literal["approve", "refuse"]


class ListEvents(Listing):
    type: str | None = None
    types: Strings | None = None
    delivery_success: bool | None = None


class WebhookEndpointFields(Params):
    description: str | None = None
    metadata: Metadata = None


class CreateWebhookEndpoint(WebhookEndpointFields):
    url: Url
    enabled_events: Strings


class UpdateWebhookEndpoint(WebhookEndpointFields):
    url: Url | None = None
    enabled_events: Strings | None = None
    disabled: bool | None = None
