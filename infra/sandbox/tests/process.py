"""A sandbox to start and kill, and a server that receives its webhooks."""

import http.server
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx
import stripe

from infra.local.testing import NO_TLS

API_KEY = "sk_test_of_the_tests"
WEBHOOK_SECRET = "whsec_of_the_tests"
READY = re.compile(r"sandbox ready: (\S+)/sandbox smtp://[^:]+:(\d+)")


class SandboxProcess:
    """The same `var` at every start: what a kill loses is lost."""

    def __init__(self, var: Path, webhook_url: str) -> None:
        self.var = var
        self._command = [
            *(sys.executable, "-W", "error", "-m", "infra.sandbox", "--port", "0", "--smtp-port", "0"),
            *("--var", str(var), "--webhook-url", webhook_url, "--slow-seconds", "0.5"),
        ]
        self._process: subprocess.Popen[str] | None = None
        self.origin = ""
        self.smtp_port = 0

    def start(self) -> None:
        secrets = {"MARQUEE_STRIPE_API_KEY": API_KEY, "MARQUEE_STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET}
        process = subprocess.Popen(self._command, env=os.environ | secrets, stdout=subprocess.PIPE, text=True)
        self._process = process
        assert process.stdout is not None
        ready = READY.match(process.stdout.readline())
        assert ready is not None, "the sandbox did not start"
        self.origin, self.smtp_port = ready[1], int(ready[2])

    def kill(self) -> None:
        """SIGKILL: nothing is tidied up."""
        assert self._process is not None
        assert self._process.stdout is not None
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()

    def client(self, **options: Any) -> stripe.StripeClient:
        return stripe.StripeClient(API_KEY, base_addresses={"api": f"{self.origin}/sandbox"}, **options)

    def trouble(self, **settings: float) -> None:
        httpx.post(f"{self.origin}/sandbox/trouble", json=settings, verify=NO_TLS).raise_for_status()

    def browser_confirms(self, intent: stripe.PaymentIntent, card: str, **fields: str) -> httpx.Response:
        """With the client secret and no key, as a browser does."""
        data = {"client_secret": intent.client_secret, "payment_method": card, **fields}
        return httpx.post(f"{self.origin}/sandbox/v1/payment_intents/{intent.id}/confirm", data=data, verify=NO_TLS)

    def payments(self) -> dict[str, list[dict[str, Any]]]:
        answer: dict[str, list[dict[str, Any]]] = httpx.get(f"{self.origin}/sandbox/payments", verify=NO_TLS).json()
        return answer


class Receiver:
    """Verifies each webhook with the SDK, takes its time (the next of `pauses`), notes the event and answers.

    `answers`: the statuses of the next answers, then 200.
    """

    def __init__(self) -> None:
        self.events: list[stripe.Event] = []
        self.answers: list[int] = []
        self.pauses: list[float] = []
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hook"

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                payload = self.rfile.read(int(self.headers["Content-Length"]))
                event = stripe.Webhook.construct_event(payload, self.headers["Stripe-Signature"], WEBHOOK_SECRET)
                time.sleep(receiver.pauses.pop(0) if receiver.pauses else 0)
                receiver.events.append(event)
                self.send_response(receiver.answers.pop(0) if receiver.answers else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """The test's output stays readable."""

        return Handler

    def __enter__(self) -> "Receiver":
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()

    def types(self, intent: str) -> list[str]:
        """Of the events about one payment, in the order of their arrival."""
        return [event.type for event in list(self.events) if intent in str(event.data.object)]


def eventually(holds: Callable[[], bool], seconds: float = 5) -> None:
    """Fails if it does not hold in that time."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "did not come true in time"
        time.sleep(0.02)
