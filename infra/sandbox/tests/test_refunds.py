"""Refunds take their time and may fail; disputes are the bank's word."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import stripe

from infra.sandbox.tests.process import Receiver, SandboxProcess, eventually


def paid(sandbox: SandboxProcess, card: str = "pm_card_visa") -> stripe.PaymentIntent:
    client = sandbox.client()
    return client.v1.payment_intents.create(
        {"amount": 2900, "currency": "eur", "payment_method": card, "confirm": True}
    )


def charge_of(sandbox: SandboxProcess, intent: stripe.PaymentIntent) -> stripe.Charge:
    assert isinstance(intent.latest_charge, str)
    return sandbox.client().v1.charges.retrieve(intent.latest_charge)


def test_a_refund_is_pending_and_then_succeeds(sandbox: SandboxProcess, receiver: Receiver) -> None:
    client, intent = sandbox.client(), paid(sandbox)
    refund = client.v1.refunds.create({"payment_intent": intent.id, "amount": 1000, "metadata": {"seat": "A1"}})
    assert (refund.status, refund.payment_intent) == ("pending", intent.id)
    assert refund.metadata is not None
    assert refund.metadata.to_dict() == {"seat": "A1"}
    assert charge_of(sandbox, intent).amount_refunded == 1000
    eventually(lambda: client.v1.refunds.retrieve(refund.id).status == "succeeded")
    eventually(lambda: receiver.types(refund.id) == ["refund.created", "refund.updated"])


@pytest.mark.parametrize("cause", ["card", "trouble"])
def test_a_failed_refund_leaves_the_money_refundable(sandbox: SandboxProcess, receiver: Receiver, cause: str) -> None:
    client, intent = sandbox.client(), paid(sandbox, "pm_card_refundFail" if cause == "card" else "pm_card_visa")
    if cause == "trouble":
        sandbox.trouble(refund_fail=1)
    refund = client.v1.refunds.create({"payment_intent": intent.id})
    eventually(lambda: client.v1.refunds.retrieve(refund.id).status == "failed")
    eventually(lambda: receiver.types(refund.id) == ["refund.created", "refund.updated", "refund.failed"])
    charge = charge_of(sandbox, intent)
    assert (charge.amount_refunded, charge.refunded) == (0, False)
    sandbox.trouble()
    assert client.v1.refunds.create({"payment_intent": intent.id}).amount == 2900


def test_a_refund_by_charge_is_the_same(sandbox: SandboxProcess) -> None:
    intent = paid(sandbox)
    refund = sandbox.client().v1.refunds.create({"charge": charge_of(sandbox, intent).id})
    assert (refund.payment_intent, refund.amount) == (intent.id, 2900)
    assert charge_of(sandbox, intent).refunded


def test_a_refund_needs_something_to_refund_and_a_known_reason(sandbox: SandboxProcess) -> None:
    client = sandbox.client()
    with pytest.raises(stripe.InvalidRequestError, match="payment_intent or charge"):
        client.v1.refunds.create({"amount": 5})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"payment_intent": "pi_x", "reason": "bored"})
    assert refused.value.param == "reason"
    with pytest.raises(stripe.InvalidRequestError) as missing:
        client.v1.refunds.create({"payment_intent": "pi_x"})
    assert missing.value.code == "resource_missing"


def test_parallel_refunds_never_exceed_the_charge(sandbox: SandboxProcess) -> None:
    def refund(_: int) -> bool:
        try:
            sandbox.client().v1.refunds.create({"payment_intent": intent.id, "amount": 1000})
        except stripe.InvalidRequestError:
            return False
        return True

    intent = paid(sandbox)
    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(refund, range(4))) == [False, False, True, True]
    assert charge_of(sandbox, intent).amount_refunded == 2000


def test_a_dispute_freezes_the_charge_until_it_is_closed(sandbox: SandboxProcess, receiver: Receiver) -> None:
    intent = paid(sandbox)
    disputes = f"{sandbox.origin}/sandbox/disputes"
    dispute = httpx.post(disputes, json={"payment_intent": intent.id, "reason": "product_not_received"}).json()
    assert (dispute["status"], dispute["amount"]) == ("needs_response", 2900)
    assert httpx.post(disputes, json={"payment_intent": intent.id}).status_code == 400
    with pytest.raises(stripe.InvalidRequestError) as refused:
        sandbox.client().v1.refunds.create({"payment_intent": intent.id})
    assert refused.value.code == "charge_disputed"
    assert httpx.post(f"{disputes}/{dispute['id']}/close", json={"status": "won"}).json()["status"] == "won"
    assert httpx.post(f"{disputes}/{dispute['id']}/close", json={"status": "lost"}).status_code == 400
    told = ["created", "funds_withdrawn", "closed", "funds_reinstated"]
    eventually(lambda: receiver.types(dispute["id"]) == [f"charge.dispute.{what}" for what in told])
    assert sandbox.client().v1.disputes.retrieve(dispute["id"]).status == "won"


def test_a_card_whose_owner_disputes_does_so_at_once(sandbox: SandboxProcess) -> None:
    intent = paid(sandbox, "pm_card_createDispute")
    (dispute,) = sandbox.client().v1.disputes.list({"payment_intent": intent.id}).data
    assert dispute.reason == "fraudulent"
