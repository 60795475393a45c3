import asyncio
import json
from uuid import UUID

import pytest
from sqlalchemy import update

from services.shared.auth import Role
from services.shared.events import PaymentAbandoned, SeatsReleased, SeatsSold, UserErased
from services.shared.ids import new_id
from services.shared.testing import parked
from services.ticketing.booking import closing
from services.ticketing.models import Intent, IntentStatus
from services.ticketing.tests.shop import API, PRICE, Shop

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_an_order_that_nobody_pays_expires_and_its_seats_go_free(shop: Shop) -> None:
    booking_id = await shop.hold()
    await shop.expire(booking_id)
    order = await shop.order(booking_id)
    assert (order["status"], order["closing"]) == ("expired", "deadline")
    (abandoned,) = await shop.said(booking_id)
    assert isinstance(abandoned, PaymentAbandoned)
    assert abandoned.reason == "deadline"


async def test_seats_are_kept_until_stripe_has_cancelled_the_payment(shop: Shop) -> None:
    booking_id = await shop.hold()
    secret = await shop.start_card(booking_id)
    await shop.expire(booking_id)
    order = await shop.order(booking_id)
    assert (order["status"], order["closing"]) == ("paying", "deadline")
    assert await shop.names(booking_id) == ["PaymentStarted"]

    await shop.run_jobs()
    assert await shop.status(booking_id) == "expired"
    assert await shop.names(booking_id) == ["PaymentStarted", "PaymentAbandoned"]
    assert (await shop.confirm(secret)).status_code == 400
    await shop.hear()
    assert await shop.status(booking_id) == "expired"


async def test_a_payment_in_the_last_second_wins_over_the_deadline(shop: Shop) -> None:
    booking_id = await shop.hold()
    await shop.confirm(await shop.start_card(booking_id))
    await shop.expire(booking_id)
    await shop.run_jobs()
    assert await shop.status(booking_id) == "paid"
    await shop.sold(booking_id)
    await shop.hear()
    assert await shop.status(booking_id) == "issued"
    assert await shop.books(booking_id) == {"clearing": 2 * PRICE, "revenue": -2 * PRICE}


async def test_a_payment_that_the_bank_still_works_on_is_asked_about_until_it_is_decided(shop: Shop) -> None:
    booking_id = await shop.hold()
    await shop.confirm(await shop.start_card(booking_id), "pm_card_slow")
    await shop.expire(booking_id)
    await shop.run_jobs()
    assert await shop.status(booking_id) == "paying"
    async with asyncio.timeout(10):
        while await shop.status(booking_id) == "paying":
            await shop.hurry()
            await closing.cancel_payments(shop.work)
            await asyncio.sleep(0.1)
    assert await shop.status(booking_id) == "paid"


async def test_a_customer_cancels_before_paying(shop: Shop) -> None:
    booking_id = await shop.hold()
    answer = await shop.post(booking_id, "cancel")
    assert (answer.status_code, answer.json()["status"], answer.json()["closing"]) == (200, "cancelled", "customer")
    assert (await shop.post(booking_id, "cancel")).json()["status"] == "cancelled"
    assert await shop.names(booking_id) == ["PaymentAbandoned"]


async def test_a_payment_that_beats_the_customers_own_cancelling_is_sent_back(shop: Shop) -> None:
    booking_id = await shop.hold()
    await shop.confirm(await shop.start_card(booking_id))
    await shop.post(booking_id, "cancel")
    await shop.settle(booking_id, "refunded")
    order = await shop.order(booking_id)
    assert [(refund["amount"]["amount"], refund["cause"]) for refund in order["refunds"]] == [(2 * PRICE, "late")]
    assert await shop.names(booking_id) == ["PaymentStarted", "PaymentAbandoned", "OrderRefunded"]
    assert await shop.books(booking_id) == {}
    assert await shop.kept_by_stripe(booking_id) == 0


async def test_cancelling_parts_of_an_unpaid_order_is_refused(shop: Shop) -> None:
    booking_id = await shop.hold()
    answer = await shop.post(booking_id, "cancel", seats=["F7"])
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/body/seats")


@pytest.mark.parametrize(("reason", "status"), [("customer", "cancelled"), ("grace", "expired")])
async def test_released_seats_close_the_order(shop: Shop, reason: str, status: str) -> None:
    booking_id = await shop.hold()
    await shop.events(SeatsReleased(booking_id=booking_id, showtime_id=shop.showtime_id, reason=reason))
    assert await shop.status(booking_id) == status


@pytest.mark.parametrize(("reason", "status"), [("customer", "cancelled"), ("grace", "expired")])
async def test_a_release_that_comes_before_its_hold_leaves_a_closed_order(shop: Shop, reason: str, status: str) -> None:
    held = shop.held_event("F7", user_id=await shop.customer())
    shop.owners[held.booking_id] = held.user_id
    released = SeatsReleased(booking_id=held.booking_id, showtime_id=shop.showtime_id, reason=reason)
    await shop.events(released, held, held, released)
    assert await shop.status(held.booking_id) == status
    assert (await shop.post(held.booking_id, "pay", method="card")).json()["code"] == "order_expired"
    assert await shop.names(held.booking_id) == []


async def test_a_hold_and_its_release_at_the_same_moment_leave_a_closed_order(shop: Shop) -> None:
    for _ in range(5):
        held = shop.held_event("F7", user_id=await shop.customer())
        released = SeatsReleased(booking_id=held.booking_id, showtime_id=shop.showtime_id, reason="customer")
        await asyncio.gather(shop.events(held), shop.events(released))
        assert await shop.status(held.booking_id) == "cancelled"


async def test_late_money_for_an_expired_order_gets_its_seats_back(shop: Shop) -> None:
    """The webhook is late, and so was the answer to our asking: the order had expired before both."""
    booking_id = await shop.hold()
    secret = await shop.start_card(booking_id)
    await forget_payment(shop, booking_id)
    await shop.expire(booking_id)
    assert await shop.status(booking_id) == "expired"
    await shop.confirm(secret)
    await shop.settle(booking_id, "paid")
    await shop.sold(booking_id, "G7", "G8")

    order = await shop.order(booking_id)
    assert order["status"] == "issued"
    assert [seat["label"] for seat in order["seats"]] == ["G7", "G8"]
    assert [ticket["seat"]["label"] for ticket in order["tickets"]] == ["G7", "G8"]
    assert "Other seats for you" in [line["what"] for line in order["timeline"]]
    assert order["total"]["amount"] == 2 * PRICE


async def test_late_money_without_seats_left_goes_back(shop: Shop) -> None:
    booking_id = await shop.hold()
    secret = await shop.start_card(booking_id)
    await forget_payment(shop, booking_id)
    await shop.expire(booking_id)
    await shop.confirm(secret)
    await shop.settle(booking_id, "paid")
    await shop.lost(booking_id)
    await shop.settle(booking_id, "refunded")
    order = await shop.order(booking_id)
    assert [refund["cause"] for refund in order["refunds"]] == ["seats_lost"]
    assert await shop.books(booking_id) == {"revenue": -2 * PRICE, "refunds": 2 * PRICE}
    assert await shop.kept_by_stripe(booking_id) == 0


async def test_late_money_for_a_cancelled_order_goes_back(shop: Shop) -> None:
    booking_id = await shop.hold()
    secret = await shop.start_card(booking_id)
    await forget_payment(shop, booking_id)
    await shop.post(booking_id, "cancel")
    assert await shop.status(booking_id) == "cancelled"
    await shop.confirm(secret)
    await shop.settle(booking_id, "refunded")
    assert await shop.books(booking_id) == {}


async def test_a_cancelled_showtime_closes_what_is_unpaid_and_refunds_what_is_issued(shop: Shop) -> None:
    unpaid, paying = await shop.hold("A1"), await shop.hold("A2")
    await shop.start_card(paying)
    issued = await shop.issued("A3", "A4")
    paid = await shop.paid("A5")
    await shop.cancel_showtime()
    await shop.settle(unpaid, "cancelled")
    await shop.settle(paying, "cancelled")
    await shop.settle(issued, "refunded")
    assert await shop.status(paid) == "paid"
    await shop.sold(paid)
    await shop.settle(paid, "refunded")

    order = await shop.order(issued)
    assert order["showtime"]["status"] == "cancelled"
    assert [ticket["status"] for ticket in order["tickets"]] == ["void", "void"]
    assert (await shop.names(issued)).count("TicketVoided") == 2
    assert "sorry" in order["status_text"]
    assert (await shop.order(paid))["tickets"] == []
    for booking_id in (unpaid, paying, issued, paid):
        assert await shop.kept_by_stripe(booking_id) == 0
        assert (await shop.books(booking_id)).get("customer", 0) == 0


async def test_a_cancelled_showtime_that_is_not_known_yet_waits(shop: Shop) -> None:
    shop.showtime_id = new_id()
    await shop.cancel_showtime()
    assert any(message.name == "ShowtimeCancelled" for message in await parked(shop.app))


async def test_an_erased_user_leaves_no_open_order_and_no_name(shop: Shop) -> None:
    user_id = await shop.customer()
    issued = await shop.issued("B1", user_id=user_id)
    unpaid = await shop.hold("B2", user_id=user_id)
    await shop.events(UserErased(user_id=user_id))
    assert (await shop.order(unpaid))["closing"] == "user_erased"
    ticket = (await shop.order(issued))["tickets"][0]
    assert (ticket["status"], ticket["holder_name"]) == ("valid", "")


async def test_a_moved_showtime_is_shown_in_its_orders(shop: Shop) -> None:
    booking_id = await shop.issued("B3")
    version = (await shop.order(booking_id))["version"]
    moved_to = shop.starts_at.replace(microsecond=0, hour=3)
    await shop.move(moved_to)
    order = await shop.order(booking_id)
    assert order["showtime"]["starts_at"] == moved_to.isoformat().replace("+00:00", "Z")
    assert order["version"] == version + 1
    assert "Showtime moved" in [line["what"] for line in order["timeline"]]


async def test_sold_seats_of_an_unpaid_order_wait_for_the_word_of_its_payment(shop: Shop) -> None:
    held = shop.held_event("C1", user_id=await shop.customer())
    await shop.events(held, SeatsSold(booking_id=held.booking_id, showtime_id=shop.showtime_id, seats=held.seats))
    assert await shop.status(held.booking_id) == "awaiting_payment"
    assert held.booking_id in [message_booking(message.body) for message in await parked(shop.app)]


async def test_a_second_ticket_for_a_seat_is_impossible_and_its_buyer_gets_the_money_back(shop: Shop) -> None:
    await shop.issued("D1")
    second = await shop.paid("D1")
    await shop.sold(second)
    await shop.settle(second, "refunded")
    order = await shop.order(second)
    assert (order["tickets"], order["refunds"][0]["cause"]) == ([], "seats_lost")


async def forget_payment(shop: Shop, booking_id: UUID) -> None:
    """As if Stripe had said that the payment is cancelled, and then took money for it nevertheless."""
    async with shop.sessions.begin() as session:
        lost = update(Intent).where(Intent.booking_id == booking_id)
        await session.execute(lost.values(status=IntentStatus.CANCELED))


def message_booking(body: bytes) -> UUID:
    return UUID(json.loads(body).get("booking_id") or str(UUID(int=0)))


async def test_the_saga_can_be_read_step_by_step(shop: Shop) -> None:
    booking_id = await shop.issued("E1")
    answer = await shop.client(Role.manager).get(f"{API}/orders/{booking_id}/saga")
    steps = [(step["from_state"], step["trigger"], step["to_state"]) for step in answer.json()["steps"]]
    assert steps == [
        ("none", "seats_held", "awaiting_payment"),
        ("awaiting_payment", "pays_by_card", "paying"),
        ("paying", "payment_succeeded", "paid"),
        ("paid", "seats_sold", "issued"),
    ]
    causes = [step["cause"].partition(" ")[0].partition("_")[0] for step in answer.json()["steps"]]
    assert causes == ["SeatHeld", "user", "evt", "SeatsSold"]
    assert answer.json()["intents"][0]["stripe_id"].startswith("pi_")
