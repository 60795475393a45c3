"""Webhooks: the receiver of these tests verifies each signature with the SDK."""

import stripe

from infra.sandbox.tests.process import Receiver, SandboxProcess, eventually

PAID = "payment_intent.succeeded"


def paid(sandbox: SandboxProcess) -> str:
    client = sandbox.client()
    created = client.v1.payment_intents.create(
        {"amount": 2900, "currency": "eur", "payment_method": "pm_card_visa", "confirm": True}
    )
    return created.id


def ids(receiver: Receiver, intent: str) -> list[str]:
    return [event.id for event in list(receiver.events) if event.data.object["id"] == intent]


def test_an_event_arrives_once_with_the_object_as_it_was(sandbox: SandboxProcess, receiver: Receiver) -> None:
    intent = paid(sandbox)
    eventually(lambda: receiver.types(intent) == [PAID])
    (event,) = [event for event in receiver.events if event.data.object["id"] == intent]
    assert event.data.object["amount_received"] == 2900
    assert event.request is not None
    assert event.request.id is not None
    stored = sandbox.client().v1.events.retrieve(event.id)
    assert (stored.type, stored.livemode) == (PAID, False)


def test_a_refused_event_comes_again_under_the_same_id(sandbox: SandboxProcess, receiver: Receiver) -> None:
    receiver.answers = [500, 302, 404]
    intent = paid(sandbox)
    eventually(lambda: len(receiver.types(intent)) == 4)
    assert len(set(ids(receiver, intent))) == 1


def test_undelivered_events_can_be_told_from_delivered_ones(sandbox: SandboxProcess, receiver: Receiver) -> None:
    def paid_events(delivered: bool) -> set[str]:
        page = client.v1.events.list({"type": PAID, "delivery_success": delivered, "limit": 100})
        return {event.data.object["id"] for event in page.data}

    client = sandbox.client()
    sandbox.trouble(drop_first=100)
    intent = paid(sandbox)
    assert intent in paid_events(delivered=False) - paid_events(delivered=True)
    sandbox.trouble()
    eventually(lambda: receiver.types(intent) == [PAID])
    eventually(lambda: intent in paid_events(delivered=True) - paid_events(delivered=False))


def test_dropped_attempts_are_made_up_for(sandbox: SandboxProcess, receiver: Receiver) -> None:
    sandbox.trouble(drop_first=2)
    intent = paid(sandbox)
    eventually(lambda: receiver.types(intent) == [PAID])


def test_duplicates_bear_the_same_id(sandbox: SandboxProcess, receiver: Receiver) -> None:
    sandbox.trouble(seed=1, duplicate=1)
    intent = paid(sandbox)
    eventually(lambda: len(receiver.types(intent)) == 2)
    assert len(set(ids(receiver, intent))) == 1


def test_reordered_events_overtake_one_another(sandbox: SandboxProcess, receiver: Receiver) -> None:
    def arrived() -> list[str]:
        return [event.data.object["id"] for event in list(receiver.events) if event.data.object["id"] in made]

    sandbox.trouble(seed=1, reorder=0.5)
    made = [paid(sandbox) for _ in range(12)]
    eventually(lambda: len(arrived()) == 12)
    assert arrived() != made
    assert sorted(arrived()) == sorted(made)


def test_delayed_events_are_delayed(sandbox: SandboxProcess, receiver: Receiver) -> None:
    sandbox.trouble(delay_ms=500)
    intent = paid(sandbox)
    assert receiver.types(intent) == []
    eventually(lambda: receiver.types(intent) == [PAID])


def test_the_events_of_one_payment_arrive_in_their_order(sandbox: SandboxProcess, receiver: Receiver) -> None:
    receiver.pauses = [0.5]
    client = sandbox.client()
    intent = client.v1.payment_intents.create({"amount": 900, "currency": "eur"})
    for _ in range(3):
        sandbox.browser_confirms(intent, "pm_card_chargeDeclined")
    sandbox.browser_confirms(intent, "pm_card_visa")
    client.v1.refunds.create({"payment_intent": intent.id})
    order = [*["payment_intent.payment_failed"] * 3, PAID, "refund.created", "refund.updated"]
    eventually(lambda: receiver.types(intent.id) == order)


def test_further_endpoints_get_what_they_ask_for_with_a_secret_of_their_own(
    sandbox: SandboxProcess, receiver: Receiver
) -> None:
    client = sandbox.client()
    endpoint = client.v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["charge.refunded"]})
    assert endpoint.secret is not None
    assert endpoint.secret.startswith("whsec_")
    assert not hasattr(client.v1.webhook_endpoints.retrieve(endpoint.id), "secret")
    updated = client.v1.webhook_endpoints.update(endpoint.id, {"disabled": True, "enabled_events": ["*"]})
    assert (updated.status, updated.enabled_events) == ("disabled", ["*"])
    assert endpoint.id in {known.id for known in client.v1.webhook_endpoints.list().data}
    assert client.v1.webhook_endpoints.delete(endpoint.id).deleted
    assert endpoint.id not in {known.id for known in client.v1.webhook_endpoints.list().data}


def test_a_forged_signature_would_be_noticed(receiver: Receiver) -> None:
    try:
        stripe.Webhook.construct_event("{}", "t=1,v1=00", "whsec_x")
    except stripe.SignatureVerificationError:
        return
    raise AssertionError("the SDK took a forged signature")
