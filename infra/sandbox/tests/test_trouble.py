"""Seeded trouble at the API, and what an Idempotency-Key is worth in it."""

import threading
from uuid import uuid4

import httpx
import pytest
import stripe

from infra.sandbox.tests.process import API_KEY, SandboxProcess, eventually

PARAMS: stripe.params.PaymentIntentCreateParams = {"amount": 1500, "currency": "eur"}


def made_with(sandbox: SandboxProcess, booking: str) -> int:
    return sum(intent["metadata"].get("booking_id") == booking for intent in sandbox.payments()["intents"])


def test_an_error_after_acting_is_kept_under_its_key_though_the_work_is_done(sandbox: SandboxProcess) -> None:
    sandbox.trouble(error_after_acting=1)
    client, key, booking = sandbox.client(), uuid4().hex, uuid4().hex
    params: stripe.params.PaymentIntentCreateParams = {**PARAMS, "metadata": {"booking_id": booking}}
    with pytest.raises(stripe.APIError) as failed:
        client.v1.payment_intents.create(params, {"idempotency_key": key})
    assert failed.value.http_status == 500
    assert made_with(sandbox, booking) == 1
    sandbox.trouble()
    with pytest.raises(stripe.APIError) as replayed:
        client.v1.payment_intents.create(params, {"idempotency_key": key})
    assert replayed.value.headers is not None
    assert replayed.value.headers["idempotent-replayed"] == "true"
    assert made_with(sandbox, booking) == 1


def test_after_a_broken_connection_the_same_key_gets_the_answer_that_was_lost(sandbox: SandboxProcess) -> None:
    client, key, booking = sandbox.client(), uuid4().hex, uuid4().hex
    params: stripe.params.PaymentIntentCreateParams = {**PARAMS, "metadata": {"booking_id": booking}}
    sandbox.trouble(reset=1)
    with pytest.raises(stripe.APIConnectionError):
        client.v1.payment_intents.create(params, {"idempotency_key": key})
    sandbox.trouble()
    assert client.v1.payment_intents.create(params, {"idempotency_key": key}).metadata["booking_id"] == booking
    assert made_with(sandbox, booking) == 1


def test_over_the_rate_limit_nothing_is_done(sandbox: SandboxProcess) -> None:
    booking, key = uuid4().hex, uuid4().hex
    params: stripe.params.PaymentIntentCreateParams = {**PARAMS, "metadata": {"booking_id": booking}}
    sandbox.trouble(rate_limit=1)
    with pytest.raises(stripe.RateLimitError) as limited:
        sandbox.client().v1.payment_intents.create(params, {"idempotency_key": key})
    assert limited.value.http_status == 429
    assert limited.value.error is not None
    assert limited.value.error.code == "rate_limit"
    sandbox.trouble()
    assert made_with(sandbox, booking) == 0
    sandbox.client().v1.payment_intents.create(params, {"idempotency_key": key})
    assert made_with(sandbox, booking) == 1


def test_the_same_seed_meets_the_same_faults(sandbox: SandboxProcess) -> None:
    def faults(seed: int) -> list[int]:
        sandbox.trouble(seed=seed, rate_limit=0.5)
        with httpx.Client(headers={"Authorization": f"Bearer {API_KEY}"}) as client:
            return [client.get(f"{sandbox.origin}/sandbox/v1/refunds").status_code for _ in range(20)]

    assert faults(7) == faults(7)
    assert faults(7) != faults(8)
    assert set(faults(7)) == {200, 429}


def test_a_key_that_is_in_use_is_refused_until_its_request_is_answered(sandbox: SandboxProcess) -> None:
    key, booking, answers = uuid4().hex, uuid4().hex, list[str]()
    params: stripe.params.PaymentIntentCreateParams = {**PARAMS, "metadata": {"booking_id": booking}}

    def create() -> str:
        client = sandbox.client(max_network_retries=0)
        return client.v1.payment_intents.create(params, {"idempotency_key": key}).id

    sandbox.trouble(latency_ms=700)
    first = threading.Thread(target=lambda: answers.append(create()))
    first.start()
    eventually(lambda: made_with(sandbox, booking) == 1)
    with pytest.raises(stripe.APIError) as refused:
        create()
    first.join()
    assert refused.value.http_status == 409
    assert refused.value.error is not None
    assert refused.value.error.code == "idempotency_key_in_use"
    assert answers == [create()]


def test_trouble_is_replaced_as_a_whole_and_told(sandbox: SandboxProcess) -> None:
    url = f"{sandbox.origin}/sandbox/trouble"
    httpx.post(url, json={"seed": 5, "duplicate": 0.5})
    assert httpx.get(url).json()["duplicate"] == 0.5
    assert httpx.post(url, json={"delay_ms": 10}).json()["duplicate"] == 0
    assert httpx.post(url).json()["delay_ms"] == 0
    assert httpx.post(url, json={"weather": 1}).status_code == 422
    assert httpx.post(url, json={"duplicate": 2}).status_code == 422


def test_a_browser_is_spared(sandbox: SandboxProcess) -> None:
    intent = sandbox.client().v1.payment_intents.create(PARAMS)
    sandbox.trouble(rate_limit=1, error_after_acting=1, reset=1)
    assert sandbox.browser_confirms(intent, "pm_card_visa").status_code == 200
