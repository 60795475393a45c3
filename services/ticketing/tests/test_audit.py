"""The auditor finds nothing in a healthy shop, and each planted corruption under its own name."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID

import psycopg
import pytest
from fastapi import FastAPI

from infra.local.testing import Database
from infra.sandbox.tests.process import SandboxProcess
from services.shared.audit import Auditor
from services.shared.auth import Role
from services.shared.events import InvariantsChecked
from services.shared.ids import new_id
from services.shared.testing import environment, running
from services.ticketing.audit import AUDIT
from services.ticketing.booking import reconciliation
from services.ticketing.commands import ledger
from services.ticketing.tests.conftest import settings_for, without_jobs
from services.ticketing.tests.shop import API, PRICE, Shop

# Whatever is wrong between two steps of a test is wrong.
NO_DUST = {"MARQUEE_AUDIT_DUST_SECONDS": "0"}


# Nobody listens to what this service says; and what is seen to differ has differed for an hour.
LONG_AGO = (
    "UPDATE outbox SET created_at = now() + interval '1 hour'",
    "UPDATE statement_line SET seen_at = now() - interval '1 hour'",
    "UPDATE watermark SET at = now() + interval '1 hour'",
)


class Audited:
    """A shop and its auditor, and a superuser whom no trigger stops."""

    def __init__(self, shop: Shop, database: Database) -> None:
        self.shop = shop
        self.database = database
        self.auditor = Auditor("ticketing", AUDIT)

    async def find(self) -> set[tuple[str, str]]:
        """Reconcile and sweep; what was found, by invariant and subject."""
        await ledger.seal(self.shop.work)
        self.sql("DELETE FROM watermark")
        self.shop.app.state.reconciled_at = None
        await reconciliation.reconcile(self.shop.work)
        self.sql(*LONG_AGO)
        await self.auditor.audit(self.shop.work)
        answer = await self.shop.client(Role.manager).get(f"{API}/audit")
        assert answer.status_code == 200, answer.text
        invariants = answer.json()["invariants"]
        return {(one["invariant"], found["subject"]) for one in invariants for found in one["violations"]}

    def sql(self, *statements: str) -> None:
        with psycopg.connect(self.database.dsn) as superuser:
            superuser.execute("SET search_path TO ticketing; SET session_replication_role = replica")
            for statement in statements:
                superuser.execute(statement)


@pytest.fixture
async def audited(fresh_database: Database, sandbox: SandboxProcess) -> AsyncIterator[Audited]:
    app = without_jobs()
    with environment(settings_for(fresh_database, sandbox) | NO_DUST):
        async with running(app), Shop(app, sandbox) as shop:
            yield Audited(shop, fresh_database)


async def test_a_shop_after_sales_refunds_and_failures_has_nothing_to_hide(audited: Audited) -> None:
    shop = audited.shop
    await shop.issued("A1", "A2")
    back = await shop.issued("B1", "B2")
    await shop.post(back, "cancel")
    await shop.settle(back, "refunded")
    part = await shop.issued("C1", "C2")
    await shop.post(part, "cancel", seats=["C1"])
    await shop.settle(part, "issued")
    lost = await shop.paid("D1")
    await shop.lost(lost)
    await shop.settle(lost, "refunded")
    expired = await shop.hold("E1")
    await shop.expire(expired)
    late = await shop.hold("F1")
    secret = await shop.start_card(late)
    await shop.confirm(secret)
    await shop.expire(late)
    await shop.settle(late, "paid")
    await shop.sold(late)
    coins = await shop.hold("G1", user_id=await shop.customer(coins=True))
    await shop.post(coins, "pay", method="coins")
    await shop.sold(coins)
    await shop.hear()
    await shop.run_jobs()
    await shop.hear()
    assert await audited.find() == set()
