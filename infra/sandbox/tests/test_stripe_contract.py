"""What holds at Stripe itself: with STRIPE_TEST_KEY in the environment the same tests run there, too."""

import os
import time
from collections.abc import Callable
from functools import partial
from uuid import uuid4

import pytest
import stripe

from infra.sandbox.tests.process import SandboxProcess

REAL_KEY = os.environ.get("STRIPE_TEST_KEY")
TARGETS = ["sandbox", "stripe"] if REAL_KEY else ["sandbox"]


Connect = Callable[..., stripe.StripeClient]


@pytest.fixture(params=TARGETS)
def connect(request: pytest.FixtureRequest) -> Connect:
    if request.param == "stripe":
        return partial(stripe.StripeClient, str(REAL_KEY))
    sandbox: SandboxProcess = request.getfixturevalue("sandbox")
    return sandbox.client


@pytest.fixture
def client(connect: Connect) -> stripe.StripeClient:
    return connect()


def create(client: stripe.StripeClient, amount: int = 2900, **more: object) -> stripe.PaymentIntent:
    methods = {"enabled": True, "allow_redirects": "never"}
    params = {"amount": amount, "currency": "eur", "automatic_payment_methods": methods, **more}
    return client.v1.payment_intents.create(params)  # type: ignore[arg-type]


def confirm(
    client: stripe.StripeClient, intent: stripe.PaymentIntent, card: str = "pm_card_visa"
) -> stripe.PaymentIntent:
    return client.v1.payment_intents.confirm(intent.id, {"payment_method": card})


def test_a_new_intent_waits_for_a_payment_method(client: stripe.StripeClient) -> None:
    intent = create(client, metadata={"booking_id": "b1"}, receipt_email="ada@example.com")
    assert intent.id.startswith("pi_")
    assert intent.status == "requires_payment_method"
    assert intent.client_secret is not None
    assert intent.client_secret.startswith(f"{intent.id}_secret_")
    assert (intent.amount, intent.currency, intent.livemode, intent.amount_received) == (2900, "eur", False, 0)
    assert intent.metadata["booking_id"] == "b1"
    again = client.v1.payment_intents.retrieve(intent.id)
    assert (again.id, again.receipt_email) == (intent.id, "ada@example.com")


def test_a_confirmed_intent_has_a_charge_and_the_money(client: stripe.StripeClient) -> None:
    intent = confirm(client, create(client))
    assert (intent.status, intent.amount_received) == ("succeeded", 2900)
    assert isinstance(intent.latest_charge, str)
    charge = client.v1.charges.retrieve(intent.latest_charge)
    assert (charge.paid, charge.captured, charge.amount_refunded) == (True, True, 0)
    assert charge.payment_method_details is not None
    assert charge.payment_method_details.card is not None
    assert charge.payment_method_details.card.last4 == "4242"


@pytest.mark.parametrize(
    ("card", "code", "decline_code"),
    [
        ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
    ],
)
def test_a_declined_intent_can_be_paid_with_another_card(
    client: stripe.StripeClient, card: str, code: str, decline_code: str
) -> None:
    intent = create(client)
    with pytest.raises(stripe.CardError) as refused:
        confirm(client, intent, card)
    assert (refused.value.http_status, refused.value.code) == (402, code)
    assert refused.value.error is not None
    assert refused.value.error.decline_code == decline_code
    declined = client.v1.payment_intents.retrieve(intent.id)
    assert declined.status == "requires_payment_method"
    assert declined.last_payment_error is not None
    assert declined.last_payment_error.code == code
    assert confirm(client, intent, "pm_card_mastercard").status == "succeeded"


def test_a_succeeded_intent_can_neither_be_cancelled_nor_confirmed_nor_repriced(client: stripe.StripeClient) -> None:
    intent = confirm(client, create(client))
    intents = client.v1.payment_intents
    refused_calls: list[Callable[[], stripe.PaymentIntent]] = [
        lambda: intents.cancel(intent.id),
        lambda: intents.confirm(intent.id, {"payment_method": "pm_card_visa"}),
        lambda: intents.update(intent.id, {"amount": 100}),
    ]
    for call in refused_calls:
        with pytest.raises(stripe.InvalidRequestError) as refused:
            call()
        assert (refused.value.http_status, refused.value.code) == (400, "payment_intent_unexpected_state")


def test_a_cancelled_intent_stays_cancelled(client: stripe.StripeClient) -> None:
    intent = create(client)
    cancelled = client.v1.payment_intents.cancel(intent.id, {"cancellation_reason": "abandoned"})
    assert (cancelled.status, cancelled.cancellation_reason) == ("canceled", "abandoned")
    with pytest.raises(stripe.InvalidRequestError):
        confirm(client, intent)
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payment_intents.cancel(intent.id)


def test_metadata_is_merged_and_an_empty_value_takes_its_key_away(client: stripe.StripeClient) -> None:
    intent = create(client, metadata={"kept": "1", "dropped": "2"})
    updated = client.v1.payment_intents.update(intent.id, {"metadata": {"dropped": "", "new": "3"}, "amount": 3100})
    assert (updated.metadata.to_dict(), updated.amount) == ({"kept": "1", "new": "3"}, 3100)


@pytest.mark.parametrize(
    ("params", "code", "param"),
    [
        ({"amount": 1000}, "parameter_missing", "currency"),
        ({"amount": 1000, "currency": "eur", "colour": "red"}, "parameter_unknown", "colour"),
        ({"amount": "many", "currency": "eur"}, "parameter_invalid_integer", "amount"),
        ({"amount": 0, "currency": "eur"}, "parameter_invalid_integer", "amount"),
        ({"amount": 49, "currency": "eur"}, "amount_too_small", "amount"),
        ({"amount": 100_000_000, "currency": "eur"}, "amount_too_large", "amount"),
    ],
)
def test_bad_parameters_are_named(client: stripe.StripeClient, params: object, code: str, param: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payment_intents.create(params)  # type: ignore[arg-type]
    assert (refused.value.http_status, refused.value.code, refused.value.param) == (400, code, param)


def test_an_unknown_intent_is_missing(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payment_intents.retrieve("pi_nobody")
    assert (refused.value.http_status, refused.value.code) == (404, "resource_missing")


def test_no_more_is_refunded_than_was_charged(client: stripe.StripeClient) -> None:
    intent = confirm(client, create(client))
    first = client.v1.refunds.create({"payment_intent": intent.id, "amount": 1000, "reason": "requested_by_customer"})
    assert first.status in ("pending", "succeeded")
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded amount"):
        client.v1.refunds.create({"payment_intent": intent.id, "amount": 1901})
    rest = client.v1.refunds.create({"payment_intent": intent.id})
    assert rest.amount == 1900
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"payment_intent": intent.id})
    assert refused.value.code == "charge_already_refunded"
    assert {refund.id for refund in client.v1.refunds.list({"payment_intent": intent.id})} == {first.id, rest.id}


def test_an_unpaid_intent_has_nothing_to_refund(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.refunds.create({"payment_intent": create(client).id})


def test_the_same_key_acts_once_and_says_so(client: stripe.StripeClient) -> None:
    key = uuid4().hex
    params: stripe.params.PaymentIntentCreateParams = {"amount": 1000, "currency": "eur"}
    first = client.v1.payment_intents.create(params, {"idempotency_key": key})
    second = client.v1.payment_intents.create(params, {"idempotency_key": key})
    assert second.id == first.id
    assert second.last_response is not None
    assert second.last_response.headers["idempotent-replayed"] == "true"
    with pytest.raises(stripe.IdempotencyError):
        client.v1.payment_intents.create({"amount": 2000, "currency": "eur"}, {"idempotency_key": key})


def test_a_refused_parameter_does_not_use_up_the_key(client: stripe.StripeClient) -> None:
    key = uuid4().hex
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payment_intents.create({"amount": 1000, "currency": "nope"}, {"idempotency_key": key})
    created = client.v1.payment_intents.create({"amount": 1000, "currency": "eur"}, {"idempotency_key": key})
    assert created.amount == 1000


def test_a_decline_is_replayed_under_its_key(client: stripe.StripeClient) -> None:
    intent, key = create(client), uuid4().hex
    for _ in range(2):
        with pytest.raises(stripe.CardError):
            client.v1.payment_intents.confirm(
                intent.id, {"payment_method": "pm_card_chargeDeclined"}, {"idempotency_key": key}
            )
    tries = client.v1.charges.list({"payment_intent": intent.id})
    assert len(tries.data) == 1


def test_lists_are_paged_newest_first(client: stripe.StripeClient) -> None:
    since = int(time.time())
    made = [create(client).id for _ in range(3)]
    first = client.v1.payment_intents.list({"limit": 2, "created": {"gte": since}})
    assert [intent.id for intent in first.data] == [made[2], made[1]]
    assert first.has_more
    rest = client.v1.payment_intents.list({"limit": 2, "starting_after": made[1], "created": {"gte": since}})
    assert rest.data[0].id == made[0]
    before = client.v1.payment_intents.list({"limit": 1, "ending_before": made[0]})
    assert before.data[0].id == made[1]


def test_a_charge_can_be_expanded(client: stripe.StripeClient) -> None:
    intent = confirm(client, create(client))
    expanded = client.v1.payment_intents.retrieve(intent.id, {"expand": ["latest_charge"]})
    assert isinstance(expanded.latest_charge, stripe.Charge)
    listed = client.v1.payment_intents.list({"limit": 1, "expand": ["data.latest_charge"]})
    assert isinstance(listed.data[0].latest_charge, stripe.Charge)


def test_an_authorised_amount_is_captured_in_part_or_given_back(client: stripe.StripeClient) -> None:
    held = confirm(client, create(client, capture_method="manual"))
    assert (held.status, held.amount_capturable, held.amount_received) == ("requires_capture", 2900, 0)
    taken = client.v1.payment_intents.capture(held.id, {"amount_to_capture": 2000})
    assert (taken.status, taken.amount_received) == ("succeeded", 2000)
    dropped = client.v1.payment_intents.cancel(confirm(client, create(client, capture_method="manual")).id)
    assert (dropped.status, dropped.amount_received) == ("canceled", 0)


def test_every_change_has_its_event(client: stripe.StripeClient) -> None:
    intent = confirm(client, create(client))
    events = client.v1.events.list({"types": ["payment_intent.created", "payment_intent.succeeded"], "limit": 20})
    of_it = [event.type for event in events.data if event.data.object["id"] == intent.id]
    assert of_it == ["payment_intent.succeeded", "payment_intent.created"]


@pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # the SDK's way of calling httpx
async def test_the_asynchronous_sdk_works(connect: Connect) -> None:
    http = stripe.HTTPXClient()
    client = connect(http_client=http)
    intent = await client.v1.payment_intents.create_async({"amount": 1000, "currency": "eur"})
    listed = await client.v1.payment_intents.list_async({"limit": 1})
    await http.close_async()  # type: ignore[no-untyped-call]
    assert listed.data[0].id == intent.id
