import asyncio
from dataclasses import replace
from typing import Any, cast
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select

from infra.sandbox.tests.process import SandboxProcess
from services.shared.auth import Principal, Role
from services.shared.errors import ValidationFailed
from services.shared.ids import new_id
from services.shared.testing import caller
from services.ticketing.commands import topups
from services.ticketing.errors import GuestsHaveNoWallet
from services.ticketing.models import Account, IntentStatus, LedgerEntry, TopUp, TopUpStatus
from services.ticketing.payments import Payments
from services.ticketing.queries.wallet import statement
from services.ticketing.tests.facts import sessions_of


@pytest.fixture
def payments(app: FastAPI) -> Payments:
    return cast("Payments", app.state.payments)


async def confirm(sandbox: SandboxProcess, started: topups.Started, card: str) -> None:
    form = {"client_secret": started.payment.client_secret or "", "payment_method": card}
    async with httpx.AsyncClient() as browser:
        await browser.post(f"{sandbox.origin}/sandbox/v1/payment_intents/{started.payment.id}/confirm", data=form)


async def balance(app: FastAPI, user_id: UUID) -> int:
    async with sessions_of(app).begin() as session:
        return (await statement(session, user_id)).balance


async def test_coins_are_credited_once_when_the_provider_says_that_they_are_paid(
    app: FastAPI, payments: Payments, sandbox: SandboxProcess
) -> None:
    sessions, user = sessions_of(app), Principal(new_id(), Role.customer, is_guest=False)
    started = await topups.start(sessions, payments, user, 2000)
    assert (started.amount, started.currency, started.coins) == (2000, "EUR", 200)
    assert started.payment.metadata == {"kind": "topup", "topup_id": str(started.topup_id)}
    await confirm(sandbox, started, "pm_card_chargeDeclined")
    async with sessions.begin() as session:
        await topups.topup_failed(session, await payments.intent(started.payment.id))
    assert await balance(app, user.id) == 0

    await confirm(sandbox, started, "pm_card_visa")
    paid = await payments.intent(started.payment.id)
    assert paid.status is IntentStatus.SUCCEEDED

    async def hear_of_it() -> None:
        async with sessions.begin() as session:
            await topups.topup_paid(session, paid)

    await asyncio.gather(*(hear_of_it() for _ in range(5)))
    assert await balance(app, user.id) == 200
    async with sessions.begin() as session:
        await topups.topup_failed(session, replace(paid, failure="an old word"))
        topup = await session.get_one(TopUp, started.topup_id)
        assert (topup.status, topup.failure) == (TopUpStatus.PAID, None)
        sides = await session.execute(select(LedgerEntry.account, LedgerEntry.amount).order_by(LedgerEntry.account))
        assert [tuple(side) for side in sides] == [(Account.CLEARING, 2000), (Account.COINS, -2000)]


async def test_a_payment_that_does_not_fit_its_topup_credits_nothing(app: FastAPI, payments: Payments) -> None:
    sessions, user = sessions_of(app), Principal(new_id(), Role.customer, is_guest=False)
    started = await topups.start(sessions, payments, user, 2000)
    good = started.payment
    for wrong in (
        replace(good, amount=1999),
        replace(good, currency="USD"),
        replace(good, id="pi_another"),
        replace(good, metadata={"kind": "topup", "topup_id": str(new_id())}),
    ):
        with pytest.raises(topups.TopUpMismatch):
            async with sessions.begin() as session:
                await topups.topup_paid(session, wrong)
    assert await balance(app, user.id) == 0


async def test_a_payment_whose_id_we_had_no_time_to_store_is_credited(app: FastAPI, payments: Payments) -> None:
    sessions, user = sessions_of(app), Principal(new_id(), Role.customer, is_guest=False)
    started = await topups.start(sessions, payments, user, 2000)
    async with sessions.begin() as session:
        (await session.get_one(TopUp, started.topup_id)).intent_id = None
    async with sessions.begin() as session:
        await topups.topup_paid(session, started.payment)
    assert await balance(app, user.id) == 200


async def test_only_registered_users_buy_whole_coins(app: FastAPI, payments: Payments) -> None:
    sessions = sessions_of(app)
    with pytest.raises(GuestsHaveNoWallet):
        await topups.start(sessions, payments, Principal(new_id(), Role.customer, is_guest=True), 2000)
    with pytest.raises(ValidationFailed) as refused:
        await topups.start(sessions, payments, Principal(new_id(), Role.customer, is_guest=False), 1005)
    assert refused.value.fields["errors"][0]["pointer"] == "/body/amount"
    async with sessions.begin() as session:
        assert (await session.scalars(select(TopUp))).all() == []


async def test_a_topup_is_asked_for_once_for_each_idempotency_key(app: FastAPI, payments: Payments) -> None:
    app.state.payments = payments
    client = caller(app, Role.customer)
    answers = [
        await client.post("/api/ticketing/wallet/topup", json={"amount": 2000}, headers={"Idempotency-Key": "1"})
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    body = answers[0].json()
    assert set(body) == {"topup_id", "amount", "currency", "coins", "payment"}
    assert (body["amount"], body["currency"], body["coins"]) == (2000, "EUR", 200)
    assert body["payment"]["client_secret"].startswith("pi_")


async def test_while_the_provider_is_away_a_topup_is_refused_and_nothing_is_credited(
    app: FastAPI, sandbox: SandboxProcess
) -> None:
    user_id = new_id()
    sandbox.trouble(rate_limit=1.0)
    answer = await caller(app, Role.customer, user_id).post("/api/ticketing/wallet/topup", json={"amount": 2000})
    assert (answer.status_code, answer.json()["code"]) == (503, "service_unavailable")
    assert answer.json()["retryable"] is True
    assert await balance(app, user_id) == 0


async def test_bad_topups_are_refused(app: FastAPI) -> None:
    wrong: list[dict[str, Any]] = [
        *({"amount": 99}, {"amount": 50_001}, {"amount": -2000}, {"amount": 2**63}, {"amount": 1005}),
        *({"amount": "2000"}, {"amount": 2000.0}, {"amount": True}, {}, {"amount": 2000, "coins": 1_000_000}),
    ]
    client = caller(app, Role.customer)
    for body in wrong:
        answer = await client.post("/api/ticketing/wallet/topup", json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, "validation_error"), body
    assert (await caller(app).post("/api/ticketing/wallet/topup", json={"amount": 2000})).status_code == 401
