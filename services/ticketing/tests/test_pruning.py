from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.shared.ids import earliest, new_id
from services.ticketing.commands import pruning
from services.ticketing.jobs import prune
from services.ticketing.models import Hold, Order, OrderStatus, Scan, ScanResult, StripeEvent, TimelineRow
from services.ticketing.tests.shop import Shop


def born(days: float) -> UUID:
    """An id of so many days ago."""
    return UUID(int=earliest(datetime.now(UTC) - timedelta(days=days)).int | (7 << 76) | new_id().int & 0xFFFF)


async def count(shop: Shop, table: type) -> int:
    async with shop.sessions.begin() as session:
        return await session.scalar(select(func.count()).select_from(table)) or 0


async def add(shop: Shop, *rows: object) -> None:
    async with shop.sessions.begin() as session:
        session.add_all(rows)


async def pruned(shop: Shop, remove: Callable[[AsyncSession], Awaitable[int]]) -> int:
    async with shop.sessions.begin() as session:
        return await remove(session)


async def test_words_about_holds_go_when_no_event_about_them_can_come_any_more(own_shop: Shop) -> None:
    await add(own_shop, *(Hold(booking_id=born(days)) for days in (40, 32, 30, 0)))
    assert [await pruned(own_shop, pruning.prune_holds) for _ in range(2)] == [2, 0]
    assert await count(own_shop, Hold) == 2


async def test_stripes_events_go_when_they_were_worked_on_and_wait_when_they_were_not(own_shop: Shop) -> None:
    def event(days: int, *, is_handled: bool) -> StripeEvent:
        at = datetime.now(UTC) - timedelta(days=days)
        facts = {"id": f"evt_{new_id().hex}", "type": "refund.updated", "payload": {}, "created": at}
        outcome = {"handled_at": at} if is_handled else {"failed_at": at}
        return StripeEvent(**facts, **outcome)

    await add(own_shop, event(40, is_handled=True), event(30, is_handled=True), event(40, is_handled=False))
    assert await pruned(own_shop, pruning.prune_stripe_events) == 1
    assert await count(own_shop, StripeEvent) == 2


async def test_scans_go_after_three_months(own_shop: Shop) -> None:
    facts = {"gate": "north", "scanned_by": new_id(), "scanned_at": datetime.now(UTC), "result": ScanResult.UNKNOWN}
    await add(own_shop, *(Scan(id=born(days), digest=bytes([days]), **facts) for days in (100, 91, 89)))
    assert await pruned(own_shop, pruning.prune_scans) == 2
    assert await count(own_shop, Scan) == 1


async def test_the_timeline_of_an_order_goes_only_if_nobody_paid(own_shop: Shop) -> None:
    shop = own_shop
    expired, fresh, issued = await shop.hold("A1"), await shop.hold("A2"), await shop.issued("A3")
    for booking_id in (expired, fresh):
        await shop.expire(booking_id)
    old = {expired: born(91), issued: born(92)}
    async with shop.sessions.begin() as session:
        for booking_id, older in old.items():
            for table in (Order, TimelineRow):
                mine = update(table).where(table.booking_id == booking_id)
                await session.execute(mine.values(booking_id=older))
    await prune(shop.work)
    lines = {booking_id: len((await shop.order(booking_id))["timeline"]) for booking_id in (*old.values(), fresh)}
    assert lines == {old[expired]: 0, old[issued]: 4, fresh: 2}
    assert (await shop.order(old[expired]))["status"] == OrderStatus.EXPIRED


async def test_pruning_goes_on_until_nothing_old_is_left(own_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "ROWS_AT_ONCE", 2)
    await add(own_shop, *(Hold(booking_id=born(40 + number)) for number in range(5)))
    await prune(own_shop.work)
    assert await count(own_shop, Hold) == 0
