import asyncio
import time
from datetime import timedelta

import pytest
from fastapi import FastAPI

from services.shared.auth import Role
from services.shared.ids import new_id
from services.shared.testing import caller
from services.ticketing.tests.shop import API, Shop

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_waiting_for_news_is_answered_as_soon_as_there_is_some(shop: Shop) -> None:
    booking_id = await shop.hold()

    async def later() -> None:
        await asyncio.sleep(0.3)
        await shop.post(booking_id, "cancel")

    started = time.monotonic()
    path = f"{API}/orders/{booking_id}?wait=10&since=1"
    answer, _ = await asyncio.gather(shop.owner(booking_id).get(path), later())
    assert answer.json()["status"] == "cancelled"
    assert time.monotonic() - started < 3


async def test_without_news_the_order_comes_unchanged_when_the_time_is_up(shop: Shop) -> None:
    booking_id = await shop.hold()
    started = time.monotonic()
    answer = await shop.owner(booking_id).get(f"{API}/orders/{booking_id}", params={"wait": 0.3, "since": 1})
    assert (answer.status_code, answer.json()["version"]) == (200, 1)
    assert time.monotonic() - started >= 0.3


async def test_those_who_wait_hold_no_connection(shop: Shop) -> None:
    booking_id = await shop.hold()
    path = f"{API}/orders/{booking_id}"
    waiting = [asyncio.create_task(shop.owner(booking_id).get(path, params={"wait": 2, "since": 1})) for _ in range(40)]
    await asyncio.sleep(0.2)
    async with asyncio.timeout(2):
        assert (await shop.post(booking_id, "cancel")).status_code == 200
    assert {answer.json()["status"] for answer in await asyncio.gather(*waiting)} == {"cancelled"}


async def test_an_order_that_never_comes_is_not_found_and_may_be_asked_for_again(shop: Shop) -> None:
    answer = await shop.client(Role.customer, new_id()).get(f"{API}/orders/{new_id()}")
    assert (answer.status_code, answer.json()["code"], answer.json()["retryable"]) == (404, "order_not_found", True)


@pytest.mark.parametrize("query", ["wait=26", "wait=-1", "wait=x", "since=x", "since=99999999999"])
async def test_senseless_waiting_is_refused(shop: Shop, query: str) -> None:
    answer = await shop.client(Role.customer, new_id()).get(f"{API}/orders/{new_id()}?{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_error")


async def test_people_see_their_own_orders_newest_first(shop: Shop) -> None:
    user_id = await shop.customer()
    mine = [str(await shop.hold(f"K{number}", user_id=user_id)) for number in range(3)]
    await shop.hold("K9")
    client = shop.client(Role.customer, user_id)
    listed = (await client.get(f"{API}/orders", params={"limit": 2})).json()
    rest = (await client.get(f"{API}/orders", params={"cursor": listed["next_cursor"]})).json()
    assert [one["booking_id"] for one in listed["items"] + rest["items"]] == mine[::-1]
    assert rest["next_cursor"] is None
    others = await client.get(f"{API}/orders", params={"user_id": str(new_id())})
    assert others.json()["items"] == []


async def test_orders_are_filtered(shop: Shop) -> None:
    user_id = await shop.customer()
    first, second = await shop.hold("L1", user_id=user_id), await shop.hold("L2", user_id=user_id)
    await shop.post(first, "cancel")
    client = shop.client(Role.customer, user_id)

    async def found(**params: str) -> list[str]:
        answer = await client.get(f"{API}/orders", params=params)
        return [one["booking_id"] for one in answer.json()["items"]]

    assert await found(status="cancelled") == [str(first)]
    assert await found(status="awaiting_payment") == [str(second)]
    assert len(await found(when="upcoming")) == 2
    assert await found(when="past") == []
    await shop.move(shop.opened_at - timedelta(hours=1))
    assert len(await found(when="past")) == 2
    assert (await client.get(f"{API}/orders", params={"status": "lost"})).status_code == 422


async def test_managers_find_anybodys_order(shop: Shop) -> None:
    user_id = await shop.customer()
    booking_id = str(await shop.hold("M1", user_id=user_id))
    manager = shop.client(Role.manager)
    for params in (
        {"query": booking_id},
        {"query": booking_id[:20].upper()},
        {"query": f"{user_id}@PEOPLE"},
        {"user_id": str(user_id)},
        {"showtime_id": str(shop.showtime_id)},
    ):
        items = (await manager.get(f"{API}/orders", params=params)).json()["items"]
        assert [one["booking_id"] for one in items] == [booking_id], params
    assert (await manager.get(f"{API}/orders", params={"query": "100%_nobody"})).json()["items"] == []
    assert (await manager.get(f"{API}/orders", params={"query": "a\0b"})).status_code == 422


async def test_an_order_is_found_by_its_ticket(shop: Shop) -> None:
    booking_id = await shop.issued("M3")
    ticket_id = (await shop.order(booking_id))["tickets"][0]["id"]
    manager = shop.client(Role.manager)
    for query in (ticket_id, ticket_id.replace("-", "").upper(), f" {ticket_id[:34]}"):
        items = (await manager.get(f"{API}/orders", params={"query": query})).json()["items"]
        assert str(booking_id) in [one["booking_id"] for one in items]
    narrowed = {"query": ticket_id, "status": "expired"}
    assert (await manager.get(f"{API}/orders", params=narrowed)).json()["items"] == []


async def test_a_shop_learns_what_it_needs_to_take_payments(shared_app: FastAPI) -> None:
    answer = await caller(shared_app).get(f"{API}/config")
    assert answer.json() == {
        "provider": "sandbox",
        "publishable_key": "",
        "currency": "EUR",
        "coin_value": 10,
        "vat_percent": 7.0,
    }


async def test_people_get_all_that_is_stored_about_them_and_nothing_else(shop: Shop) -> None:
    user_id = await shop.customer(coins=True)
    booking_id = await shop.hold("N1", user_id=user_id)
    await shop.hold("N2")
    found = (await shop.owner(booking_id).get(f"{API}/me/export")).json()
    assert found["customer"]["email"] == f"{user_id}@people.example"
    assert [order["booking_id"] for order in found["orders"]] == [str(booking_id)]
    assert found["wallet"]["balance"] == 500
