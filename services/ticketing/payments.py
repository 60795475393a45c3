"""Stripe: the one outside system of this service, and the only file that knows its SDK.

What is asked here may be asked again with the same idempotency key (https://docs.stripe.com/api/idempotent_requests):
a key's first answer is kept, failures of Stripe's own included. So after such a failure we look whether it acted, and
if it did not, the key is spent and the next try needs a new one.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, NoReturn, TypeVar

import stripe
from pydantic import ValidationError

from services.shared.errors import DomainError, ServiceUnavailable, ValidationFailed
from services.shared.settings import Settings
from services.ticketing.seen import SeenIntent, SeenRefund, SignedEvent, seen_intent, seen_refund

STRIPE = "https://api.stripe.com"
TIMEOUT_SECONDS = 10
# How long to wait before asking again with the same key, while somebody waits for the answer.
PAUSES = (0.1, 0.4)
SIGNATURE_SECONDS = 300
# The minimum for most currencies (https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts).
SMALLEST_CHARGE = 50
# Our clock and Stripe's may differ; a search by time begins earlier.
CLOCK_SKEW = timedelta(minutes=5)
# Methods that take days to pay are no use for a seat that is held for minutes.
DELAYED_METHODS = ["acss_debit", "au_becs_debit", "bacs_debit", "sepa_debit", "us_bank_account"]

Answer = TypeVar("Answer")
Values = dict[str, Any]
Listed = TypeVar("Listed", stripe.PaymentIntent, stripe.Refund)

# Waits until one more request to the named endpoint is within what Stripe allows. Raises PaymentsAway.
Admit = Callable[[str], Awaitable[None]]


class PaymentsAway(ServiceUnavailable):
    """Stripe can't be reached or fails; asking again later is safe. With `key_spent` ask with a new key."""

    detail = "The payment provider is away for a moment. Nothing is lost; please try again."

    def __init__(self, detail: str | None = None, *, key_spent: bool = False) -> None:
        super().__init__(detail)
        self.key_spent = key_spent

    @classmethod
    def code(cls) -> str:
        return "service_unavailable"


class PaymentInProgress(PaymentsAway):
    """Stripe is still answering somebody who asked the same with the same key, such as the first of two clicks."""

    status = 409
    detail = "This payment is just being worked on. Please try again in a moment."

    @classmethod
    def code(cls) -> str:
        return "order_in_progress"


class PaymentRefused(Exception):
    """Stripe understood and said no; `code` is Stripe's. Asking again is useless."""

    def __init__(self, code: str | None, message: str) -> None:
        super().__init__(message)
        self.code = code


class BadSignature(DomainError):
    status = 400
    detail = "The Stripe-Signature header does not fit the body."


def is_live(settings: Settings) -> bool:
    return "_live_" in settings.stripe_api_key


def provider(settings: Settings) -> str:
    return "stripe" if settings.stripe_api_base == STRIPE else "sandbox"


def verify(payload: bytes, signature: str, secrets: str) -> dict[str, Any]:
    """The event in a webhook's raw body. `secrets`: comma-separated, so that they can be rotated.

    Raises BadSignature, also for one older than 300 s (https://docs.stripe.com/webhooks#verify-events), and
    ValidationFailed for what is signed but no event.
    """
    for secret in secrets.split(","):
        try:
            stripe.WebhookSignature.verify_header(payload.decode(), signature, secret.strip(), SIGNATURE_SECONDS)
        except (stripe.SignatureVerificationError, UnicodeDecodeError):
            continue
        try:
            SignedEvent.model_validate_json(payload)
        except ValidationError as error:
            raise ValidationFailed(errors=[{"pointer": "", "message": "This is no event of Stripe's."}]) from error
        event: dict[str, Any] = json.loads(payload)
        return event
    raise BadSignature


class Payments:
    """Stripe's API as far as we need it. All calls raise PaymentsAway and PaymentRefused."""

    def __init__(self, settings: Settings, admit: Admit) -> None:
        self._http = stripe.HTTPXClient(timeout=TIMEOUT_SECONDS)
        client = stripe.StripeClient(
            settings.stripe_api_key,
            base_addresses={"api": settings.stripe_api_base},
            http_client=self._http,
            max_network_retries=0,
        )
        self._api = client.v1
        self._admit = admit

    async def close(self) -> None:
        await self._http.close_async()  # type: ignore[no-untyped-call]

    async def create_intent(
        self, key: str, amount: int, currency: str, metadata: dict[str, str], since: datetime
    ) -> SeenIntent:
        """`metadata` must tell this intent from all others; `since` is before the first try to create it."""

        params: Any = {
            "amount": amount,
            "currency": currency.lower(),
            "automatic_payment_methods": {"enabled": True},
            "excluded_payment_method_types": DELAYED_METHODS,
            "metadata": metadata,
        }
        recent: Any = {"created": {"gte": int((since - CLOCK_SKEW).timestamp())}, "limit": 100}

        async def ask() -> Values:
            return (await self._api.payment_intents.create_async(params, {"idempotency_key": key})).to_dict()

        async def look() -> Values | None:
            page = await self._api.payment_intents.list_async(recent)
            return await first_with(metadata, page)

        return seen_intent(await self._ask("create_intent", ask, look))

    async def intent(self, id: str) -> SeenIntent:  # noqa: A002
        async def ask() -> Values:
            return (await self._api.payment_intents.retrieve_async(id)).to_dict()

        return seen_intent(await self._ask("retrieve_intent", ask))

    async def update_intent(self, key: str, id: str, amount: int) -> SeenIntent:  # noqa: A002
        """The intent after the try: with this amount, or as it is where the amount can't be changed any more."""

        async def ask() -> Values:
            changes: Any = {"amount": amount}
            return (await self._api.payment_intents.update_async(id, changes, {"idempotency_key": key})).to_dict()

        async def look() -> Values | None:
            intent = await self._api.payment_intents.retrieve_async(id)
            return intent.to_dict() if intent.amount == amount else None

        return await self._unless_too_late(id, self._ask("update_intent", ask, look))

    async def cancel_intent(self, key: str, id: str) -> SeenIntent:  # noqa: A002
        """The intent after the try: cancelled, or in the state that it can't be cancelled in any more."""

        async def ask() -> Values:
            return (await self._api.payment_intents.cancel_async(id, {}, {"idempotency_key": key})).to_dict()

        async def look() -> Values | None:
            intent = await self._api.payment_intents.retrieve_async(id)
            return intent.to_dict() if intent.status == "canceled" else None

        return await self._unless_too_late(id, self._ask("cancel_intent", ask, look))

    async def _unless_too_late(self, id: str, changed: Awaitable[Values]) -> SeenIntent:  # noqa: A002
        """The changed intent, or as it is where its state does not allow the change any more."""
        try:
            return seen_intent(await changed)
        except PaymentRefused as refused:
            if refused.code != "payment_intent_unexpected_state":
                raise
            return await self.intent(id)

    async def create_refund(self, key: str, intent: str, amount: int, metadata: dict[str, str]) -> SeenRefund:
        """`metadata` must tell this refund from all others."""

        params: Any = {"payment_intent": intent, "amount": amount, "metadata": metadata}

        async def ask() -> Values:
            return (await self._api.refunds.create_async(params, {"idempotency_key": key})).to_dict()

        async def look() -> Values | None:
            page = await self._api.refunds.list_async({"payment_intent": intent, "limit": 100})
            return await first_with(metadata, page)

        try:
            return seen_refund(await self._ask("create_refund", ask, look))
        except PaymentRefused:
            # A key is forgotten after a day; then the refund that it has made long ago stands in its own way.
            if (found := await self._look(look)) is None:
                raise
            return seen_refund(found)

    async def refund(self, id: str) -> SeenRefund:  # noqa: A002
        async def ask() -> Values:
            return (await self._api.refunds.retrieve_async(id)).to_dict()

        return seen_refund(await self._ask("retrieve_refund", ask))

    async def events(self, since: datetime, types: list[str]) -> list[dict[str, Any]]:
        """Stripe's events since then, oldest first; it keeps them for 30 days."""

        async def ask() -> list[dict[str, Any]]:
            params: Any = {"created": {"gte": int(since.timestamp())}, "types": types, "limit": 100}
            page = await self._api.events.list_async(params)
            return [event.to_dict() async for event in page.auto_paging_iter()]

        found = await self._ask("list_events", ask)
        return found[::-1]

    async def intents(self, since: datetime) -> list[SeenIntent]:
        """The payments that were begun since then."""

        async def ask() -> list[SeenIntent]:
            page = await self._api.payment_intents.list_async(
                {"created": {"gte": int(since.timestamp())}, "limit": 100}
            )
            return [seen_intent(intent.to_dict()) async for intent in page.auto_paging_iter()]

        return await self._ask("list_intents", ask)

    async def _ask(
        self,
        endpoint: str,
        ask: Callable[[], Awaitable[Answer]],
        look: Callable[[], Awaitable[Answer | None]] | None = None,
    ) -> Answer:
        """Ask, and ask again where that is safe. After a failure of Stripe's own, `look` whether it acted."""
        await self._admit(endpoint)
        for pause in (*PAUSES, None):
            try:
                return await ask()
            except stripe.StripeError as error:
                if not is_stripes_fault(error):
                    await wait_or_raise(error, pause)
                    continue
                found = await self._look(look)
                if found is None:
                    raise PaymentsAway(key_spent=True) from error
                return found
        raise AssertionError("the last pause is None, which raises")

    async def _look(self, look: Callable[[], Awaitable[Answer | None]] | None) -> Answer | None:
        try:
            return await look() if look else None
        except stripe.StripeError as error:
            # Not known whether it acted: the same key, whose answer is that failure, makes us look again.
            raise PaymentsAway from error


async def first_with(metadata: dict[str, str], page: stripe.ListObject[Listed]) -> Values | None:
    async for found in page.auto_paging_iter():
        values = found.to_dict()
        if metadata.items() <= (values["metadata"] or {}).items():
            return values
    return None


def is_stripes_fault(error: stripe.StripeError) -> bool:
    return error.http_status is not None and error.http_status >= 500  # noqa: PLR2004


async def wait_or_raise(error: stripe.StripeError, pause: float | None) -> None:
    """Wait before asking again with the same key, if that may help."""
    if isinstance(error, stripe.AuthenticationError | stripe.PermissionError):
        raise PaymentsAway from error  # a matter for operators, who see it in the log; the booking is not to blame
    in_use = error.http_status == 409  # noqa: PLR2004 - the same key is just being answered
    if not (in_use or isinstance(error, stripe.APIConnectionError | stripe.RateLimitError)):
        refuse(error)
    if pause is None:
        raise (PaymentInProgress if in_use else PaymentsAway) from error
    await asyncio.sleep(pause)


def refuse(error: stripe.StripeError) -> NoReturn:
    raise PaymentRefused(error.code, error.user_message or type(error).__name__) from error


@asynccontextmanager
async def opened(settings: Settings, admit: Admit) -> AsyncIterator[Payments]:
    payments = Payments(settings, admit)
    try:
        yield payments
    finally:
        await payments.close()
