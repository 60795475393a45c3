"""Codes as managers make them, and which orders may have one."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.shared.auth import Role
from services.shared.events import UserRegistered
from services.shared.ids import new_id
from services.ticketing.tests.shop import API, PRICE, Shop
from services.ticketing.tests.test_closing import forget_payment

pytestmark = pytest.mark.asyncio(loop_scope="package")

PATH = f"{API}/promo-codes"
NOW = datetime.now(UTC)
YESTERDAY, TOMORROW = (NOW - timedelta(days=1)).isoformat(), (NOW + timedelta(days=1)).isoformat()


def name() -> str:
    return f"Test-{new_id().hex[-12:]}"


async def make(shop: Shop, **facts: Any) -> dict[str, Any]:
    kind = {} if "amount_off" in facts else {"percent_off": 10}
    answer = await shop.client(Role.manager).post(PATH, json={"code": name(), **kind, **facts})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def uses(shop: Shop, promo: dict[str, Any]) -> int:
    return int((await shop.client(Role.manager).get(f"{PATH}/{promo['id']}")).json()["uses"])


async def apply(shop: Shop, booking_id: UUID, promo: dict[str, Any] | str) -> Any:
    return await shop.post(booking_id, "promo", code=promo if isinstance(promo, str) else promo["code"])


def price(answer: Any) -> tuple[int, int, int]:
    body = answer.json()
    return body["subtotal"]["amount"], body["discount"]["amount"], body["total"]["amount"]


# --- what managers do ------------------------------------------------------------------------------------------------


async def test_a_manager_makes_finds_changes_and_ends_a_code(shop: Shop) -> None:
    manager = shop.client(Role.manager)
    made = await make(shop, description="For the festival", valid_until=TOMORROW, max_uses=5)
    assert (made["percent_off"], made["amount_off"], made["uses"], made["is_active"]) == (10, None, 0, True)
    listed = (await manager.get(PATH, params={"query": made["code"][5:].upper()})).json()["items"]
    assert listed == [made]
    changed = await manager.patch(
        f"{PATH}/{made['id']}", json={"percent_off": None, "amount_off": 300, "is_active": False, "max_uses": None}
    )
    expected = {**made, "percent_off": None, "amount_off": 300, "is_active": False, "max_uses": None}
    assert (changed.status_code, changed.json()) == (200, expected)
    assert (await manager.get(f"{PATH}/{made['id']}")).json() == changed.json()
    active = (await manager.get(PATH, params={"query": made["code"], "is_active": True})).json()
    assert active == {"items": [], "next_cursor": None}


async def test_codes_are_the_same_in_any_case(shop: Shop) -> None:
    manager = shop.client(Role.manager)
    first, second = await make(shop), await make(shop)
    again = await manager.post(PATH, json={"code": first["code"].upper(), "percent_off": 5})
    renamed = await manager.patch(f"{PATH}/{second['id']}", json={"code": first["code"].lower()})
    assert [(answer.status_code, answer.json()["code"]) for answer in (again, renamed)] == [
        (409, "promo_code_taken")
    ] * 2
    assert (await manager.get(f"{PATH}/{second['id']}")).json() == second
    booking_id = await shop.hold()
    assert (await apply(shop, booking_id, first["code"].swapcase())).json()["promo"]["code"] == first["code"]


async def test_of_two_equal_codes_made_at_once_one_is_kept(shop: Shop) -> None:
    body = {"code": name(), "percent_off": 5}
    answers = await asyncio.gather(*(shop.client(Role.manager).post(PATH, json=body) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"percent_off": 10, "amount_off": 100},
        {"percent_off": 0},
        {"percent_off": 101},
        {"percent_off": "10"},
        {"amount_off": 0},
        {"amount_off": -5},
        {"percent_off": 10, "max_uses": 0},
        {"percent_off": 10, "valid_from": "2030-01-02T00:00:00Z", "valid_until": "2030-01-01T00:00:00Z"},
        {"percent_off": 10, "valid_from": "2026-01-01T00:00:00"},
        {"percent_off": 10, "code": ""},
        {"percent_off": 10, "code": "two words"},
        {"percent_off": 10, "uses": 5},
    ],
    ids=str,
)
async def test_a_code_that_makes_no_sense_is_refused(shop: Shop, facts: dict[str, Any]) -> None:
    answer = await shop.client(Role.manager).post(PATH, json={"code": name(), **facts})
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_error")


@pytest.mark.parametrize(
    "changes",
    [{"percent_off": None}, {"amount_off": 5}, {"code": None}, {"valid_until": YESTERDAY}, {"id": str(new_id())}],
    ids=["neither", "both", "no code", "window", "id"],
)
async def test_a_change_that_makes_no_sense_is_refused(shop: Shop, changes: dict[str, Any]) -> None:
    made = await make(shop, valid_from=TOMORROW)
    path = f"{PATH}/{made['id']}"
    answer = await shop.client(Role.manager).patch(path, json=changes)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_error")
    assert (await shop.client(Role.manager).get(path)).json() == made


async def test_a_code_that_is_not_there_is_not_found(shop: Shop) -> None:
    manager, path = shop.client(Role.manager), f"{PATH}/{new_id()}"
    for answer in (await manager.get(path), await manager.patch(path, json={"is_active": False})):
        assert (answer.status_code, answer.json()["code"]) == (404, "promo_code_not_found")


async def test_codes_are_the_managers_business(shop: Shop) -> None:
    made = await make(shop)
    staff, path = shop.client(Role.staff), f"{PATH}/{made['id']}"
    answers = [
        await staff.get(PATH),
        await staff.post(PATH, json={"code": name(), "percent_off": 100}),
        await staff.get(path),
        await staff.patch(path, json={"percent_off": 100}),
    ]
    assert [answer.status_code for answer in answers] == [403] * 4


# --- on an order -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "discount"),
    [
        ({"percent_off": 10}, 250),
        ({"percent_off": 33}, 825),
        ({"amount_off": 700}, 700),
        ({"amount_off": 99_999}, 2500),
        ({"percent_off": 100}, 2500),
    ],
    ids=["10 %", "33 %", "7.00", "all of it", "100 %"],
)
async def test_a_code_makes_an_order_cheaper(shop: Shop, facts: dict[str, int], discount: int) -> None:
    booking_id, promo = await shop.hold(), await make(shop, **facts)
    answer = await apply(shop, booking_id, promo)
    assert (answer.status_code, price(answer)) == (200, (2 * PRICE, discount, 2 * PRICE - discount))
    order = answer.json()
    assert order["promo"] == {key: promo[key] for key in ("code", "description", "percent_off", "amount_off")}
    assert sum(seat["discount"]["amount"] for seat in order["seats"]) == discount
    assert order["timeline"][-1]["what"] == "Promo code"
    assert await uses(shop, promo) == 1


async def test_another_code_takes_the_place_of_the_first_and_its_use_is_free_again(shop: Shop) -> None:
    booking_id = await shop.hold()
    first, second = await make(shop, max_uses=1), await make(shop, amount_off=100)
    await apply(shop, booking_id, first)
    assert price(await apply(shop, booking_id, second)) == (2500, 100, 2400)
    assert (await uses(shop, first), await uses(shop, second)) == (0, 1)
    assert (await apply(shop, await shop.hold("A1"), first)).status_code == 200


async def test_the_same_code_again_changes_nothing(shop: Shop) -> None:
    booking_id, promo = await shop.hold(), await make(shop, max_uses=1)
    first, again = await apply(shop, booking_id, promo), await apply(shop, booking_id, promo)
    assert (again.status_code, again.json()) == (200, first.json())
    assert await uses(shop, promo) == 1


async def test_a_code_can_be_taken_off_again(shop: Shop) -> None:
    booking_id, promo = await shop.hold(), await make(shop)
    await apply(shop, booking_id, promo)
    for _ in range(2):
        answer = await shop.owner(booking_id).delete(f"{API}/orders/{booking_id}/promo")
        assert (answer.status_code, price(answer), answer.json()["promo"]) == (200, (2500, 0, 2500), None)
    assert await uses(shop, promo) == 0


@pytest.mark.parametrize(
    ("reason", "facts"),
    [
        ("not_active", {"is_active": False}),
        ("not_yet_valid", {"valid_from": TOMORROW}),
        ("expired", {"valid_until": YESTERDAY}),
        ("below_minimum", {"min_total": 2 * PRICE + 1}),
    ],
)
async def test_a_code_is_refused_with_the_reason(shop: Shop, reason: str, facts: dict[str, Any]) -> None:
    booking_id, good, promo = await shop.hold(), await make(shop), await make(shop, **facts)
    await apply(shop, booking_id, good)
    answer = await apply(shop, booking_id, promo)
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["reason"]) == (422, "promo_not_valid", reason)
    assert problem["detail"].endswith(".")
    assert (await shop.order(booking_id))["promo"]["code"] == good["code"], "the one before stays"


async def test_an_unknown_code_is_refused(shop: Shop) -> None:
    answer = await apply(shop, await shop.hold(), "no such code")
    assert (answer.status_code, answer.json()["reason"]) == (422, "unknown")


async def test_a_code_is_good_within_its_limits(shop: Shop) -> None:
    promo = await make(shop, valid_from=YESTERDAY, valid_until=TOMORROW, min_total=2 * PRICE, max_uses=1)
    assert (await apply(shop, await shop.hold(), promo)).status_code == 200
    answer = await apply(shop, await shop.hold("B1", "B2"), promo)
    assert (answer.status_code, answer.json()["reason"]) == (422, "used_up")


async def test_nobody_uses_a_code_more_often_than_allowed_not_even_as_a_new_guest(shop: Shop) -> None:
    promo, address = await make(shop, max_uses_per_user=1), f"{new_id()}@people.example"
    guests = [new_id() for _ in range(2)]
    for guest in guests:
        await shop.events(UserRegistered(user_id=guest, email=address, full_name="Ada", locale="en", is_guest=True))
    reasons = []
    for label, user_id in (("C1", guests[0]), ("C2", guests[0]), ("C3", guests[1]), ("C4", await shop.customer())):
        answer = await apply(shop, await shop.hold(label, user_id=user_id), promo)
        reasons.append(answer.json().get("reason"))
    assert reasons == [None, "used_up_for_you", "used_up_for_you", None]


async def test_the_last_use_wanted_by_fifty_at_once_is_had_by_one(shop: Shop) -> None:
    promo = await make(shop, max_uses=1)
    orders = [await shop.hold(f"D{number}") for number in range(50)]
    answers = await asyncio.gather(*(apply(shop, booking_id, promo) for booking_id in orders))
    assert sorted(answer.status_code for answer in answers) == [200, *[422] * 49]
    assert {answer.json().get("reason") for answer in answers} == {None, "used_up"}
    assert await uses(shop, promo) == 1


async def test_one_customers_simultaneous_orders_share_the_limit_per_user(shop: Shop) -> None:
    promo, user_id = await make(shop, max_uses_per_user=2), await shop.customer()
    orders = [await shop.hold(f"E{number}", user_id=user_id) for number in range(10)]
    answers = await asyncio.gather(*(apply(shop, booking_id, promo) for booking_id in orders))
    assert sorted(answer.status_code for answer in answers) == [200, 200, *[422] * 8]


async def test_orders_that_swap_their_codes_do_not_block_each_other(shop: Shop) -> None:
    codes = [await make(shop), await make(shop)]
    orders = [await shop.hold(f"F{number}") for number in range(8)]
    for turn in range(3):
        wishes = [apply(shop, one, codes[(place + turn) % 2]) for place, one in enumerate(orders)]
        assert {answer.status_code for answer in await asyncio.gather(*wishes)} == {200}
    assert [await uses(shop, promo) for promo in codes] == [4, 4]


async def test_only_the_owner_puts_a_code_on_an_order(shop: Shop) -> None:
    booking_id, promo = await shop.hold(), await make(shop)
    path, body = f"{API}/orders/{booking_id}/promo", {"code": promo["code"]}
    answers = [
        await shop.client(Role.customer, new_id()).post(path, json=body),
        await shop.client(Role.manager).post(path, json=body),
        await shop.client(Role.manager).delete(path),
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(404, "order_not_found")] * 3
    assert await uses(shop, promo) == 0


# --- when the order ends ---------------------------------------------------------------------------------------------


async def test_an_order_that_ends_unpaid_gives_its_use_back(shop: Shop) -> None:
    promo = await make(shop, max_uses=1)
    expired, cancelled, paying = await shop.hold("G1"), await shop.hold("G2"), await shop.hold("G3")
    await apply(shop, expired, promo)
    await shop.expire(expired)
    assert (await apply(shop, cancelled, promo)).status_code == 200
    await shop.post(cancelled, "cancel")
    assert (await apply(shop, paying, promo)).status_code == 200
    await shop.start_card(paying)
    await shop.expire(paying)
    assert await uses(shop, promo) == 1, "its payment may still succeed"
    await shop.run_jobs()
    assert (await shop.status(paying), await uses(shop, promo)) == ("expired", 0)
    answer = await apply(shop, expired, promo)
    assert (answer.status_code, answer.json()["code"]) == (409, "order_expired")


async def test_a_refunded_order_has_used_its_code(shop: Shop) -> None:
    booking_id, promo = await shop.hold("G4"), await make(shop, amount_off=250)
    await apply(shop, booking_id, promo)
    await shop.confirm(await shop.start_card(booking_id))
    await shop.settle(booking_id, "paid")
    await shop.sold(booking_id)
    await shop.post(booking_id, "cancel")
    await shop.settle(booking_id, "refunded")
    assert await uses(shop, promo) == 1
    assert await shop.kept_by_stripe(booking_id) == 0
    answer = await apply(shop, booking_id, promo)
    assert (answer.status_code, answer.json()["code"]) == (409, "already_paid")


async def test_a_late_payment_keeps_its_price_even_if_the_code_is_used_up(shop: Shop) -> None:
    promo, late, other = await make(shop, max_uses=1), await shop.hold("G5"), await shop.hold("G6")
    await apply(shop, late, promo)
    secret = await shop.start_card(late)
    await forget_payment(shop, late)
    await shop.expire(late)
    assert (await shop.status(late), await uses(shop, promo)) == ("expired", 0)
    assert (await apply(shop, other, promo)).status_code == 200
    await shop.confirm(secret)
    await shop.settle(late, "paid")
    order = await shop.order(late)
    assert (order["discount"]["amount"], order["promo"]["code"]) == (125, promo["code"])
    assert await shop.kept_by_stripe(late) == PRICE - 125
    assert await uses(shop, promo) == 2
