"""The sandbox inside another process."""

from pathlib import Path

import httpx

from infra.sandbox.app import create_app
from infra.sandbox.settings import SandboxSettings

INTENT = {"amount": "500", "currency": "eur", "payment_method": "pm_card_visa", "confirm": "true"}


async def test_two_sandboxes_in_one_process_do_not_know_each_other(tmp_path: Path) -> None:
    apps = [create_app(SandboxSettings(var=tmp_path / name)) for name in ("one", "other")]
    key = {"Authorization": "Bearer sk_test_sandbox"}
    async with apps[0].router.lifespan_context(apps[0]), apps[1].router.lifespan_context(apps[1]):
        one, other = (
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://sandbox/sandbox", headers=key)
            for app in apps
        )
        async with one, other:
            assert (await one.post("/v1/payment_intents", data=INTENT)).json()["status"] == "succeeded"
            assert len((await one.get("/v1/payment_intents")).json()["data"]) == 1
            assert (await other.get("/v1/payment_intents")).json()["data"] == []


async def test_it_goes_on_where_it_stopped(tmp_path: Path) -> None:
    for payments in (1, 2):
        app = create_app(SandboxSettings(var=tmp_path, smtp_port=0))
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://s") as client,
        ):
            assert app.state.smtp_port > 0
            key = {"Authorization": "Bearer sk_test_sandbox"}
            await client.post("/sandbox/v1/payment_intents", data=INTENT, headers=key)
            assert len((await client.get("/sandbox/payments")).json()["charges"]) == payments
