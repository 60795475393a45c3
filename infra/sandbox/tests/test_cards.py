"""The magic cards and the ways of a browser: confirm by client secret, the bank's page, the pay page."""

import httpx
import pytest
import stripe

from infra.sandbox.tests.process import Receiver, SandboxProcess, eventually


def create(sandbox: SandboxProcess, **more: object) -> stripe.PaymentIntent:
    params = {"amount": 2900, "currency": "eur", "metadata": {"booking_id": "secret"}, **more}
    return sandbox.client().v1.payment_intents.create(params)  # type: ignore[arg-type]


def status(sandbox: SandboxProcess, intent: stripe.PaymentIntent) -> str:
    return sandbox.client().v1.payment_intents.retrieve(intent.id).status


@pytest.mark.parametrize(("card", "brand"), [("pm_card_visa", "visa"), ("pm_card_mastercard", "mastercard")])
def test_a_browser_pays_with_the_client_secret_alone(sandbox: SandboxProcess, card: str, brand: str) -> None:
    intent = create(sandbox)
    answer = sandbox.browser_confirms(intent, card)
    assert (answer.status_code, answer.json()["status"]) == (200, "succeeded")
    assert "metadata" not in answer.json()
    (charge,) = sandbox.client().v1.charges.list({"payment_intent": intent.id}).data
    assert charge.payment_method_details is not None
    assert charge.payment_method_details.card is not None
    assert charge.payment_method_details.card.brand == brand


def test_a_browser_may_also_send_json_and_its_publishable_key(sandbox: SandboxProcess) -> None:
    intent = create(sandbox)
    url = f"{sandbox.origin}/sandbox/v1/payment_intents/{intent.id}"
    fields = {"client_secret": intent.client_secret, "payment_method": "pm_card_visa"}
    answer = httpx.post(f"{url}/confirm", json=fields, headers={"Authorization": "Bearer pk_test_x"})
    assert answer.json()["status"] == "succeeded"
    looked_up = httpx.get(url, params={"client_secret": intent.client_secret, "key": "pk_test_x"})
    assert looked_up.json()["status"] == "succeeded"


def test_a_wrong_client_secret_changes_nothing(sandbox: SandboxProcess) -> None:
    intent, other = create(sandbox), create(sandbox)
    url = f"{sandbox.origin}/sandbox/v1/payment_intents/{intent.id}"
    fields = {"client_secret": other.client_secret, "payment_method": "pm_card_visa"}
    assert httpx.post(f"{url}/confirm", data=fields).status_code == 400
    assert httpx.post(f"{url}/confirm", data={"payment_method": "pm_card_visa"}).status_code == 401
    assert httpx.post(f"{url}/cancel", data={"client_secret": intent.client_secret}).status_code == 401
    assert status(sandbox, intent) == "requires_payment_method"


def test_a_key_is_needed_and_must_be_the_right_one(sandbox: SandboxProcess) -> None:
    url = f"{sandbox.origin}/sandbox/v1/payment_intents"
    missing = httpx.get(url)
    assert (missing.status_code, missing.json()["error"]["type"]) == (401, "invalid_request_error")
    with pytest.raises(stripe.AuthenticationError, match="Invalid API Key"):
        stripe.StripeClient("sk_test_other", base_addresses={"api": f"{sandbox.origin}/sandbox"}).v1.refunds.list()


@pytest.mark.parametrize(
    ("card", "code", "decline_code"),
    [
        ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card"),
    ],
)
def test_a_decline_is_told_to_the_browser_and_by_an_event(
    sandbox: SandboxProcess, receiver: Receiver, card: str, code: str, decline_code: str
) -> None:
    intent = create(sandbox)
    answer = sandbox.browser_confirms(intent, card)
    error = answer.json()["error"]
    assert answer.status_code == 402
    assert (error["type"], error["code"], error["decline_code"]) == ("card_error", code, decline_code)
    assert error["payment_intent"]["status"] == "requires_payment_method"
    assert "metadata" not in error["payment_intent"]
    eventually(lambda: receiver.types(intent.id) == ["payment_intent.payment_failed"])


def test_an_unknown_card_is_refused_and_nothing_happens(sandbox: SandboxProcess) -> None:
    intent = create(sandbox)
    answer = sandbox.browser_confirms(intent, "pm_card_invented")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "resource_missing")
    assert status(sandbox, intent) == "requires_payment_method"


@pytest.mark.parametrize(
    ("decision", "outcome", "redirect_status"),
    [("approve", "succeeded", "succeeded"), ("refuse", "requires_payment_method", "failed")],
)
def test_the_bank_asks_and_sends_the_customer_back(
    sandbox: SandboxProcess, decision: str, outcome: str, redirect_status: str
) -> None:
    intent = create(sandbox)
    shop = "https://cinema.example/orders/1?tab=tickets"
    answer = sandbox.browser_confirms(intent, "pm_card_threeDSecure2Required", return_url=shop)
    assert answer.json()["status"] == "requires_action"
    bank = answer.json()["next_action"]["redirect_to_url"]["url"]
    assert "Yes, approve" in httpx.get(bank).text
    back = httpx.post(bank, data={"decision": decision})
    assert back.status_code == 303
    assert back.headers["location"].startswith(f"{shop}&payment_intent={intent.id}&")
    assert back.headers["location"].endswith(f"&redirect_status={redirect_status}")
    assert status(sandbox, intent) == outcome
    assert httpx.post(bank, data={"decision": decision}).status_code == 400


def test_the_bank_takes_json_too(sandbox: SandboxProcess) -> None:
    intent = create(sandbox)
    bank = sandbox.browser_confirms(intent, "pm_card_threeDSecure2Required").json()["next_action"]["redirect_to_url"]
    assert httpx.post(bank["url"], json={"decision": "maybe"}).status_code == 400
    assert httpx.post(bank["url"], json={"decision": "approve"}).json()["status"] == "succeeded"


def test_a_refused_challenge_says_why_and_the_intent_can_be_paid_otherwise(sandbox: SandboxProcess) -> None:
    intent = create(sandbox)
    bank = sandbox.browser_confirms(intent, "pm_card_threeDSecure2Required").json()["next_action"]["redirect_to_url"]
    httpx.post(bank["url"], json={"decision": "refuse"})
    refused = sandbox.client().v1.payment_intents.retrieve(intent.id)
    assert refused.last_payment_error is not None
    assert refused.last_payment_error.code == "payment_intent_authentication_failure"
    assert sandbox.browser_confirms(intent, "pm_card_visa").json()["status"] == "succeeded"


def test_an_intent_that_waits_for_the_bank_can_be_cancelled(sandbox: SandboxProcess) -> None:
    intent = create(sandbox)
    bank = sandbox.browser_confirms(intent, "pm_card_threeDSecure2Required").json()["next_action"]["redirect_to_url"]
    sandbox.client().v1.payment_intents.cancel(intent.id)
    assert httpx.post(bank["url"], json={"decision": "approve"}).status_code == 400
    assert status(sandbox, intent) == "canceled"


def test_a_slow_card_is_processing_for_a_while_and_cannot_be_cancelled(
    sandbox: SandboxProcess, receiver: Receiver
) -> None:
    intent = create(sandbox)
    assert sandbox.browser_confirms(intent, "pm_card_slow").json()["status"] == "processing"
    with pytest.raises(stripe.InvalidRequestError) as refused:
        sandbox.client().v1.payment_intents.cancel(intent.id)
    assert refused.value.code == "payment_intent_unexpected_state"
    eventually(lambda: status(sandbox, intent) == "succeeded")
    eventually(lambda: receiver.types(intent.id) == ["payment_intent.processing", "payment_intent.succeeded"])


def test_an_intent_created_with_a_card_and_confirmed_at_once_is_paid(sandbox: SandboxProcess) -> None:
    assert create(sandbox, payment_method="pm_card_visa").status == "requires_confirmation"
    assert create(sandbox, payment_method="pm_card_visa", confirm=True).status == "succeeded"


def test_a_new_price_has_to_be_confirmed_again(sandbox: SandboxProcess) -> None:
    intent = create(sandbox)
    sandbox.browser_confirms(intent, "pm_card_threeDSecure2Required")
    assert sandbox.client().v1.payment_intents.update(intent.id, {"amount": 3100}).status == "requires_confirmation"


def test_the_pay_page_takes_a_card_and_returns_only_to_its_own_site(sandbox: SandboxProcess) -> None:
    intent = create(sandbox, description="Two seats <b>")
    page = f"{sandbox.origin}/sandbox/pay/{intent.id}"
    secret = {"client_secret": str(intent.client_secret)}
    shown = httpx.get(page, params=secret).text
    assert "29.00 EUR" in shown
    assert "Two seats &lt;b&gt;" in shown
    declined = httpx.post(page, params=secret, data={"payment_method": "pm_card_chargeDeclined"})
    assert declined.status_code == 402
    assert "Your card was declined." in declined.text
    for elsewhere in ("https://evil.example/", "//evil.example/", "/\\evil.example"):
        away = httpx.post(page, params={**secret, "return_url": elsewhere}, data={"payment_method": "pm_card_visa"})
        assert away.status_code == 400
    paid = httpx.post(page, params={**secret, "return_url": "/orders/1"}, data={"payment_method": "pm_card_visa"})
    assert paid.headers["location"].startswith(f"{sandbox.origin}/orders/1?payment_intent={intent.id}")
    assert httpx.get(page, params={"client_secret": "wrong"}).status_code == 400
