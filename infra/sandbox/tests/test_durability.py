"""A killed sandbox forgets nothing that it has answered."""

import subprocess
import sys
import threading

import httpx
import stripe

from infra.sandbox.tests.process import Receiver, SandboxProcess, eventually


def test_every_answered_intent_is_there_after_a_kill_in_the_middle(own_sandbox: SandboxProcess) -> None:
    answered: list[str] = []

    def buy() -> None:
        client = own_sandbox.client()
        while True:
            try:
                answered.append(client.v1.payment_intents.create({"amount": 500, "currency": "eur"}).id)
            except stripe.APIConnectionError:
                return

    buyers = [threading.Thread(target=buy) for _ in range(4)]
    for buyer in buyers:
        buyer.start()
    eventually(lambda: len(answered) >= 40)
    own_sandbox.kill()
    for buyer in buyers:
        buyer.join()
    own_sandbox.start()
    kept = {intent["id"] for intent in own_sandbox.payments()["intents"]}
    assert set(answered) <= kept
    assert len(kept) <= len(answered) + len(buyers)


def test_keys_trouble_and_work_in_progress_outlive_a_kill(own_sandbox: SandboxProcess, receiver: Receiver) -> None:
    own_sandbox.trouble(drop_first=1)
    client = own_sandbox.client()
    slow = client.v1.payment_intents.create({"amount": 500, "currency": "eur"}, {"idempotency_key": "once"})
    own_sandbox.browser_confirms(slow, "pm_card_slow")
    paid = client.v1.payment_intents.create(
        {"amount": 900, "currency": "eur", "payment_method": "pm_card_visa", "confirm": True}
    )
    refund = client.v1.refunds.create({"payment_intent": paid.id})
    own_sandbox.kill()
    own_sandbox.start()
    client = own_sandbox.client()
    assert httpx.get(f"{own_sandbox.origin}/sandbox/trouble").json()["drop_first"] == 1
    again = client.v1.payment_intents.create({"amount": 500, "currency": "eur"}, {"idempotency_key": "once"})
    assert again.id == slow.id
    eventually(lambda: client.v1.payment_intents.retrieve(slow.id).status == "succeeded")
    eventually(lambda: client.v1.refunds.retrieve(refund.id).status == "succeeded")
    eventually(lambda: "payment_intent.succeeded" in receiver.types(slow.id))
    eventually(lambda: {"payment_intent.succeeded", "refund.updated"} <= set(receiver.types(paid.id)))


def test_a_second_sandbox_on_the_same_data_is_told_off_in_one_line(own_sandbox: SandboxProcess) -> None:
    var = own_sandbox.var
    command = [sys.executable, "-m", "infra.sandbox", "--port", "0", "--smtp-port", "0", "--var", str(var)]
    second = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert second.returncode == 1
    assert second.stderr.splitlines() == [f"sandbox: {var / 'sandbox.sqlite3'} is in use by another sandbox"]


def test_a_taken_port_is_told_in_one_line(sandbox: SandboxProcess, tmp_path: object) -> None:
    port = sandbox.origin.rpartition(":")[2]
    command = [sys.executable, "-m", "infra.sandbox", "--port", port, "--smtp-port", "0", "--var", str(tmp_path)]
    second = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert second.returncode == 1
    assert second.stderr.splitlines() == [f"sandbox: cannot listen on 127.0.0.1:{port}: Address already in use"]
