"""The auditor finds nothing in a healthy shop, and each planted corruption under its own name."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
import pytest_asyncio
from sqlalchemy import select

from infra.local.testing import Database, database
from infra.sandbox.tests.process import SandboxProcess
from services.shared.audit import Auditor
from services.shared.auth import Role
from services.shared.events import SUBSCRIPTIONS, InvariantsChecked
from services.shared.ids import new_id
from services.shared.testing import environment, running
from services.ticketing.audit import AUDIT
from services.ticketing.booking import reconciliation, refunding, stripe_events
from services.ticketing.commands import ledger
from services.ticketing.models import Intent, Refund, RefundStatus
from services.ticketing.tests.conftest import settings_for, without_jobs
from services.ticketing.tests.shop import API, PRICE, Shop
from services.ticketing.tests.test_disputes import close, dispute, news

pytestmark = pytest.mark.asyncio(loop_scope="module")

# Whatever is wrong between two steps of a test is wrong.
NO_DUST = {"MARQUEE_AUDIT_DUST_SECONDS": "0", "MARQUEE_GRACE_SECONDS": "0"}


# Nobody listens to what this service says.
UNHEARD = "No event waits in the outbox"
# What is seen to differ has differed for an hour.
LONG_AGO = (
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
        return await self.shown()

    async def shown(self) -> set[tuple[str, str]]:
        return {(invariant, found["subject"]) for invariant, found in await self.violations()}

    async def violations(self) -> list[tuple[str, Any]]:
        """By invariant."""
        invariants = (await self.report())["invariants"]
        violations = [(one["invariant"], found) for one in invariants for found in one["violations"]]
        return [(invariant, found) for invariant, found in violations if found["title"] != UNHEARD]

    async def report(self) -> Any:
        answer = await self.shop.client(Role.manager).get(f"{API}/audit")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def rows_of(self, booking_id: UUID) -> dict[str, Any]:
        """An entry of the ledger and an event of the provider about a booking; None where there is none."""
        entry = f"SELECT max(id) FROM ledger_entry WHERE booking_id = '{booking_id}' AND account = 'revenue'"
        event = f"SELECT max(id) FROM stripe_event WHERE payload::text LIKE '%{booking_id}%'"
        with psycopg.connect(self.database.dsn) as superuser:
            superuser.execute("SET search_path TO ticketing")
            row = superuser.execute(f"SELECT ({entry}) AS entry, ({event}) AS event").fetchone()
        assert row is not None
        return {"entry": row[0], "event": row[1]}

    def sql(self, *statements: str) -> None:
        with psycopg.connect(self.database.dsn) as superuser:
            superuser.execute("SET search_path TO ticketing; SET session_replication_role = replica")
            for statement in statements:
                superuser.execute(statement)


@pytest.fixture(scope="module")
def own_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    """In which nobody else is paid."""
    process = SandboxProcess(tmp_path_factory.mktemp("sandbox"), "http://127.0.0.1:9/nobody")
    process.start()
    yield process
    process.kill()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(postgres: str, migrated: Database, own_sandbox: SandboxProcess) -> AsyncIterator[Audited]:
    app = without_jobs()
    with database(postgres, f"test_{uuid4().hex[:12]}", template=migrated.name) as copy:
        async with AsyncExitStack() as stack:
            with environment(settings_for(copy, own_sandbox) | NO_DUST):
                await stack.enter_async_context(running(app))
            yield Audited(await stack.enter_async_context(Shop(app, own_sandbox)), copy)


@pytest_asyncio.fixture(loop_scope="module")
async def audited(house: Audited) -> Audited:
    """Each test has a showtime of its own, and leaves nothing behind that is wrong."""
    house.shop.begin_afresh()
    assert await house.find() == set()
    return house


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


@pytest.mark.parametrize("stopped_refund", [False, True], ids=["at once", "after a refund failed for it"])
async def test_a_lost_dispute_is_booked_like_a_refund(audited: Audited, stopped_refund: bool) -> None:
    shop = audited.shop
    booking_id = await shop.issued("A1", "A2")
    dispute_id = await dispute(shop, booking_id)
    await shop.hear(await news(shop, dispute_id))
    if stopped_refund:
        await shop.move(shop.starts_at)
        await shop.cancel_showtime()
        await shop.settle(booking_id, "refund_failed")
    assert await audited.find() == set()
    await close(shop, dispute_id, "lost")
    await shop.hear(await news(shop, dispute_id))
    assert await shop.status(booking_id) == "refunded"
    assert await audited.find() == set()


@dataclass(frozen=True)
class Corruption:
    """`plant` and `mend` are SQL about the `{booking}` that `story` makes. `found` is by invariant and subject: one
    corruption may show in several places."""

    story: Callable[[Shop], Awaitable[UUID]]
    plant: tuple[str, ...]
    mend: tuple[str, ...]
    found: tuple[tuple[str, str], ...]


async def issued(shop: Shop) -> UUID:
    return await shop.issued("A1", "A2")


async def unpaid(shop: Shop) -> UUID:
    return await shop.hold("A1")


async def refunded(shop: Shop) -> UUID:
    booking_id = await shop.issued("A1")
    await shop.post(booking_id, "cancel")
    await shop.settle(booking_id, "refunded")
    return booking_id


async def being_cancelled(shop: Shop) -> UUID:
    """The time is up, and Stripe has been asked to cancel."""
    booking_id = await shop.hold("A1")
    await shop.start_card(booking_id)
    await shop.expire(booking_id)
    return booking_id


async def welcomed(shop: Shop) -> UUID:
    return await shop.customer(coins=True)


def without(table: str, condition: str) -> dict[str, tuple[str, ...]]:
    """Rows are gone, and come back."""
    return {
        "plant": (
            "DROP TABLE IF EXISTS kept",
            f"CREATE TABLE kept AS SELECT * FROM {table} WHERE {condition}",
            f"DELETE FROM {table} WHERE {condition}",
        ),
        "mend": (f"INSERT INTO {table} SELECT * FROM kept",),
    }


LIVE_KEY = "CREATE UNIQUE INDEX ticket_live_key ON ticket (showtime_id, seat_no) WHERE status <> 'void'"
ITS_EVENT = "id = '{event}'"
OF_IT = "booking_id = '{booking}'"
CORRUPTIONS = {
    "tickets that are missing": Corruption(
        issued, **without("ticket", f"{OF_IT} AND label = 'A2'"), found=(("I4", "{booking}"),)
    ),
    "an entry of the ledger that says another sum": Corruption(
        issued,
        (f"UPDATE ledger_entry SET amount = amount + 1 WHERE {OF_IT} AND account = 'revenue'",),
        (f"UPDATE ledger_entry SET amount = amount - 1 WHERE {OF_IT} AND account = 'revenue'",),
        (("I3", "{booking}"),),
    ),
    "entries of the ledger that are missing": Corruption(
        issued,
        **without("ledger_entry", "id = {entry}"),
        found=(("I3", "{booking}"), ("I3", "ledger entry {entry}")),
    ),
    "entries that the provider knows nothing of": Corruption(
        issued,
        (f"UPDATE ledger_entry SET cause = 'received:pi_ghost' WHERE {OF_IT} AND cause LIKE 'received:%'",),
        (
            "UPDATE ledger_entry SET cause = 'received:' || stripe_id FROM intent"
            " WHERE intent.booking_id = '{booking}' AND cause = 'received:pi_ghost'",
        ),
        (("I2", "{booking}"), ("I3", "{booking}")),
    ),
    "a refund that the provider knows nothing of": Corruption(
        refunded,
        (f"UPDATE refund SET stripe_id = 're_ghost' WHERE {OF_IT}",),
        (
            "UPDATE refund SET stripe_id = line.id FROM statement_line AS line"
            " WHERE stripe_id = 're_ghost' AND kind = 'refund' AND line.booking_id = refund.booking_id",
        ),
        (("I3", "{booking}"),),
    ),
    "a refund of more than was paid": Corruption(
        refunded,
        (f"UPDATE refund SET amount = amount + 100 WHERE {OF_IT}",),
        (f"UPDATE refund SET amount = amount - 100 WHERE {OF_IT}",),
        (("I2", "{booking}"),),
    ),
    "a payment that nothing was done about": Corruption(
        unpaid,
        (
            "INSERT INTO intent (id, booking_id, number, amount, currency, status, stripe_id, key_number)"
            " SELECT '{new}', '{booking}', 9, 100, 'EUR', 'succeeded', 'pi_lost', 1",
        ),
        ("DELETE FROM intent WHERE stripe_id = 'pi_lost'",),
        (("I2", "{booking}"),),
    ),
    "an order that was paid twice": Corruption(
        issued,
        (
            "INSERT INTO intent (id, booking_id, number, amount, currency, status, stripe_id, key_number)"
            f" SELECT '{{new}}', booking_id, 2, amount, currency, status, 'pi_twice', 1 FROM intent WHERE {OF_IT}",
        ),
        ("DELETE FROM intent WHERE stripe_id = 'pi_twice'",),
        (("I2", "{booking}"), ("I9", "{booking}")),
    ),
    "an order that cannot end": Corruption(
        being_cancelled,
        (f"UPDATE intent SET status = 'canceled' WHERE {OF_IT}",),
        (f"DELETE FROM saga_log WHERE {OF_IT}", f"DELETE FROM orders WHERE {OF_IT}", f"DELETE FROM hold WHERE {OF_IT}"),
        (("I5", "{booking}"),),
    ),
    "an order that was changed behind the saga's back": Corruption(
        unpaid,
        (f"UPDATE orders SET status = 'issued' WHERE {OF_IT}",),
        (f"UPDATE orders SET status = 'awaiting_payment' WHERE {OF_IT}",),
        (("I4", "{booking}"), ("I7", "{booking}")),
    ),
    "an order that is missing": Corruption(unpaid, **without("orders", OF_IT), found=(("I7", "{booking}"),)),
    "a message that took its step twice": Corruption(
        unpaid,
        (
            "INSERT INTO saga_log (booking_id, from_state, trigger, to_state, cause, facts)"
            " SELECT booking_id, from_state, trigger, to_state, cause, facts FROM saga_log"
            " WHERE booking_id = '{booking}'",
        ),
        ("DELETE FROM saga_log WHERE id = (SELECT max(id) FROM saga_log)",),
        (("I10", "{booking}"),),
    ),
    "a ticket that was made twice": Corruption(
        issued,
        (
            "DROP INDEX ticket_live_key",
            "DROP TABLE IF EXISTS kept",
            f"CREATE TABLE kept AS SELECT * FROM ticket WHERE {OF_IT} AND label = 'A1'",
            "UPDATE kept SET id = '{new}'",
            "INSERT INTO ticket SELECT * FROM kept",
        ),
        ("DELETE FROM ticket WHERE id = '{new}'", LIVE_KEY),
        (("I1", "{showtime} A1"), ("I10", "{booking}")),
    ),
    "coins from nowhere": Corruption(
        welcomed,
        ("UPDATE wallet SET balance = balance + 100 WHERE user_id = '{booking}'",),
        ("UPDATE wallet SET balance = balance - 100 WHERE user_id = '{booking}'",),
        (("I3", "{booking}"),),
    ),
    "somebody who was welcomed twice": Corruption(
        welcomed,
        (
            "INSERT INTO wallet_entry (id, user_id, amount, reason, reference)"
            " SELECT '{new}', user_id, amount, 'welcome', 'again' FROM wallet_entry"
            " WHERE user_id = '{booking}'",
            "UPDATE wallet SET balance = 2 * balance WHERE user_id = '{booking}'",
        ),
        (
            "DELETE FROM wallet_entry WHERE reference = 'again'",
            "UPDATE wallet SET balance = balance / 2 WHERE user_id = '{booking}'",
        ),
        (("I10", "{booking}"),),
    ),
    "an event of the provider that was given up": Corruption(
        issued,
        (f"UPDATE stripe_event SET handled_at = NULL, failed_at = now() WHERE {ITS_EVENT}",),
        (f"UPDATE stripe_event SET handled_at = now() WHERE {ITS_EVENT}",),
        (("I6", "{event}"),),
    ),
}


@pytest.mark.parametrize("name", CORRUPTIONS)
async def test_a_planted_corruption_is_found_under_its_name_until_it_is_mended(audited: Audited, name: str) -> None:
    corruption = CORRUPTIONS[name]
    booking_id = await corruption.story(audited.shop)
    facts = {
        "booking": booking_id,
        "showtime": audited.shop.showtime_id,
        "new": new_id(),
        **audited.rows_of(booking_id),
    }
    if corruption.story is not being_cancelled:
        assert await audited.find() == set()
    audited.sql(*(statement.format(**facts) for statement in corruption.plant))
    found = {(invariant, subject.format(**facts)) for invariant, subject in corruption.found}
    assert await audited.find() == found
    audited.sql(*(statement.format(**facts) for statement in corruption.mend))
    assert await audited.find() == set()


async def test_the_same_seat_sold_to_two_is_found(audited: Audited) -> None:
    audited.sql("DROP INDEX ticket_live_key")
    await audited.shop.issued("A1")
    second = await audited.shop.issued("A1")
    assert await audited.find() == {("I1", f"{audited.shop.showtime_id} A1")}
    await audited.shop.post(second, "cancel")
    await audited.shop.settle(second, "refunded")
    assert await audited.find() == set()
    audited.sql(LIVE_KEY)


async def test_money_without_tickets_or_refund_is_found_until_the_seats_are_sold(audited: Audited) -> None:
    booking_id = await audited.shop.paid("A1")
    assert await audited.find() == {("I2", str(booking_id)), ("I5", str(booking_id))}
    await audited.shop.sold(booking_id)
    assert await audited.find() == set()


async def test_a_payment_at_the_provider_that_we_know_nothing_of_is_found_until_it_has_gone_back(
    audited: Audited,
) -> None:
    shop, booking_id = audited.shop, new_id()
    metadata = {"booking_id": str(booking_id)}
    payments = shop.work.state.payments
    seen = await payments.create_intent("foreign", PRICE, "EUR", metadata, datetime.now(UTC))
    await shop.confirm(seen.client_secret)
    assert await audited.find() == {("I2", str(booking_id))}
    audited.sql("UPDATE stripe_event SET created = created - interval '11 minutes'")
    await stripe_events.process(shop.work)

    async def is_back() -> bool:
        await shop.hurry()
        await refunding.pay_back(shop.work)
        async with shop.sessions.begin() as session:
            status = await session.scalar(select(Refund.status).where(Refund.booking_id == booking_id))
        return status is RefundStatus.SUCCEEDED

    await eventually(is_back)
    assert await audited.find() == set()


async def test_a_refund_that_somebody_made_at_the_providers_is_found(audited: Audited) -> None:
    booking_id = await audited.shop.issued("A1")
    async with audited.shop.sessions.begin() as session:
        paid_by = await session.scalar(select(Intent.stripe_id).where(Intent.booking_id == booking_id))
    assert paid_by is not None
    made = await audited.shop.work.state.payments.create_refund(f"by hand {booking_id}", paid_by, 100, {})

    async def is_found() -> bool:
        return await audited.find() == {("I3", made.id)}

    await eventually(is_found)
    audited.sql("UPDATE statement_line SET status = 'failed' WHERE id = '" + made.id + "'")
    assert await audited.find() == set()


async def eventually(look: Callable[[], Awaitable[bool]]) -> None:
    for _ in range(100):
        if await look():
            return
        await asyncio.sleep(0.02)
    raise AssertionError


async def test_a_statement_that_nobody_reads_is_found(audited: Audited) -> None:
    await audited.find()
    audited.sql("UPDATE watermark SET at = now() - interval '21 minutes'")
    await audited.auditor.audit(audited.shop.work)
    assert await audited.shown() == {("I3", "statement")}


async def test_only_what_has_been_so_for_a_while_is_a_violation(audited: Audited) -> None:
    sessions = audited.shop.sessions
    settings, sessions.settings = sessions.settings, sessions.settings.model_copy(update={"audit_dust_seconds": 60.0})
    booking_id = await audited.shop.paid("A1")
    assert await audited.find() == set()
    audited.sql("UPDATE saga_log SET at = at - interval '61 seconds'")
    assert await audited.find() == {("I2", str(booking_id)), ("I5", str(booking_id))}
    sessions.settings = settings
    await audited.shop.sold(booking_id)


async def test_a_violation_keeps_the_time_of_the_sweep_that_found_it_first(audited: Audited) -> None:
    booking_id = await audited.shop.paid("A1")
    await audited.find()
    first = [one["since"] for _, one in await audited.violations()]
    assert first
    await audited.find()
    assert [one["since"] for _, one in await audited.violations()] == first
    await audited.shop.sold(booking_id)


async def test_a_service_that_has_not_looked_lately_is_stale(audited: Audited) -> None:
    await audited.find()
    await audited.shop.events(*(InvariantsChecked(service=service, outcomes=[]) for service in SUBSCRIPTIONS))
    answer = await audited.report()
    assert (answer["healthy"], [one["service"] for one in answer["services"] if one["stale"]]) == (True, [])
    audited.sql("UPDATE audit_sweep SET checked_at = now() - interval '4 minutes' WHERE service = 'catalog'")
    answer = await audited.report()
    assert (answer["healthy"], [one["service"] for one in answer["services"] if one["stale"]]) == (False, ["catalog"])


async def test_every_invariant_is_listed_with_when_it_was_checked_or_what_proves_it(audited: Audited) -> None:
    await audited.find()
    invariants = (await audited.report())["invariants"]
    assert [one["invariant"] for one in invariants] == [f"I{number}" for number in range(1, 12)]
    assert all(
        one["checked_at"] if one["asked"] else one["proven_by"] for one in invariants if one["invariant"] != "I8"
    )


async def test_only_managers_see_the_audit(audited: Audited) -> None:
    assert (await audited.shop.client(Role.staff).get(f"{API}/audit")).status_code == 403
