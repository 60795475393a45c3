"""`python -m infra.sandbox`: the sandbox as a process of its own."""

import argparse
import os
import socket
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from infra.sandbox.app import DATABASE, create_app
from infra.sandbox.settings import SandboxSettings
from infra.sandbox.store import Store, StoreInUse


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m infra.sandbox", description="A stateful Stripe API and a mailbox.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8090, help="0 for any free one")
    parser.add_argument("--smtp-port", type=int, default=8025, help="0 for any free one")
    parser.add_argument("--var", type=Path, default=Path("var/sandbox"), help="where its database is")
    parser.add_argument("--webhook-url", help="where the default webhook endpoint is")
    parser.add_argument("--public-url", help="origin under which browsers reach it, if it is not that of the request")
    parser.add_argument("--slow-seconds", type=float, default=3.0, help="how long pm_card_slow is processing")
    parser.add_argument("--refund-seconds", type=float, default=0.2, help="how long a refund is pending")
    return parser.parse_args()


def _settings(arguments: argparse.Namespace) -> SandboxSettings:
    return SandboxSettings(
        var=arguments.var,
        webhook_url=arguments.webhook_url,
        webhook_secret=os.environ.get("MARQUEE_STRIPE_WEBHOOK_SECRET", "whsec_sandbox"),
        api_key=os.environ.get("MARQUEE_STRIPE_API_KEY", "sk_test_sandbox"),
        public_url=arguments.public_url,
        smtp_host=arguments.host,
        smtp_port=arguments.smtp_port,
        slow_seconds=arguments.slow_seconds,
        refund_seconds=arguments.refund_seconds,
    )


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), backlog=2048)
    except OSError as error:
        raise SystemExit(f"sandbox: cannot listen on {host}:{port}: {os.strerror(error.errno or 0)}") from None


class AnnouncingServer(uvicorn.Server):
    """Says where it is once it can be reached."""

    def __init__(self, app: FastAPI) -> None:
        super().__init__(uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=3))
        self._app = app

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and sockets:
            host, port = sockets[0].getsockname()[:2]
            print(f"sandbox ready: http://{host}:{port}/sandbox smtp://{host}:{self._app.state.smtp_port}", flush=True)


def main() -> None:
    arguments = _arguments()
    settings = _settings(arguments)
    try:
        Store(settings.var / DATABASE).close()
    except StoreInUse as error:
        raise SystemExit(f"sandbox: {error}") from None
    _listen(arguments.host, arguments.smtp_port).close()
    listener = _listen(arguments.host, arguments.port)
    AnnouncingServer(create_app(settings)).run([listener])


if __name__ == "__main__":
    main()
