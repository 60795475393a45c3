"""A cardholder calls a payment back: nobody gets in on it until the bank has decided, and nobody is paid back twice."""

import itertools
from typing import Any
from uuid import UUID

import pytest

from services.shared.auth import Role
from services.shared.events import TicketVoided
from services.ticketing.booking import stripe_events
from services.ticketing.models import RefundStatus
from services.ticketing.tests.reading import pages, scanned
from services.ticketing.tests.shop import API, PRICE, Shop

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def dispute(shop: Shop, booking_id: UUID) -> str:
    """The bank opens one; its id."""
    [intent] = (await saga(shop, booking_id))["intents"]
    answer = await shop.browser.post("disputes", json={"payment_intent": intent["stripe_id"]})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


async def close(shop: Shop, dispute_id: str, status: str) -> None:
    answer = await shop.browser.post(f"disputes/{dispute_id}/close", json={"status": status})
    assert answer.status_code == 200, answer.text


async def news(shop: Shop, dispute_id: str) -> list[dict[str, Any]]:
    """What Stripe has to tell about a dispute, oldest first."""
    found = await shop.work.state.payments.events(shop.opened_at, stripe_events.TYPES)
    return [event for event in found if event["data"]["object"]["id"] == dispute_id]


async def saga(shop: Shop, booking_id: UUID) -> dict[str, Any]:
    return dict((await shop.client(Role.manager).get(f"{API}/orders/{booking_id}/saga")).json())


async def scan(shop: Shop, code: str) -> str:
    answer = await shop.client(Role.staff).post(f"{API}/checkins", json={"code": code, "gate": "north"})
    return str(answer.json()["result"])


async def told(shop: Shop, booking_id: UUID) -> list[str]:
    return [entry["what"] for entry in (await shop.order(booking_id))["timeline"]]


async def disputed(shop: Shop) -> tuple[UUID, str]:
    booking_id = await shop.issued("F7", "F8")
    dispute_id = await dispute(shop, booking_id)
    await shop.hear(await news(shop, dispute_id))
    return booking_id, dispute_id


async def test_disputed_tickets_open_no_door_online_or_offline(shop: Shop) -> None:
    booking_id, _ = await disputed(shop)
    order = await shop.order(booking_id)
    assert order["status"] == "issued"
    assert [ticket["is_frozen"] for ticket in order["tickets"]] == [True, True]
    assert [await scan(shop, ticket["code"]) for ticket in order["tickets"]] == ["void", "void"]
    keys = (await shop.client(Role.staff).get(f"{API}/checkins/keys")).json()
    assert {ticket["id"] for ticket in order["tickets"]} <= {void["id"] for void in keys["void"]}
    assert (await told(shop, booking_id))[-1] == "Payment disputed"
    assert (await saga(shop, booking_id))["disputed_at"] is not None


async def test_what_is_disputed_can_not_be_given_back_meanwhile(shop: Shop) -> None:
    booking_id, _ = await disputed(shop)
    refused = await shop.post(booking_id, "cancel")
    assert (refused.status_code, refused.json()["code"]) == (409, "payment_disputed")
    refused = await shop.post(booking_id, "refund", shop.client(Role.manager), reason="kindness", amount=100)
    assert (refused.status_code, refused.json()["code"]) == (409, "payment_disputed")


async def test_a_dispute_that_comes_to_nothing_leaves_the_tickets_as_they_were(shop: Shop) -> None:
    booking_id, dispute_id = await disputed(shop)
    await close(shop, dispute_id, "won")
    await shop.hear(await news(shop, dispute_id))
    order = await shop.order(booking_id)
    assert [(ticket["status"], ticket["is_frozen"]) for ticket in order["tickets"]] == [("valid", False)] * 2
    assert await scan(shop, order["tickets"][0]["code"]) == "too_early"
    assert (await told(shop, booking_id))[-1] == "Dispute closed"
    assert (await saga(shop, booking_id))["disputed_at"] is None
    assert (await shop.books(booking_id)) == {"clearing": 2 * PRICE, "revenue": -2 * PRICE}


async def test_a_lost_dispute_is_a_refund_that_the_bank_has_made(shop: Shop) -> None:
    booking_id, dispute_id = await disputed(shop)
    await close(shop, dispute_id, "lost")
    for _ in range(2):
        await shop.hear(await news(shop, dispute_id))
    order = await shop.order(booking_id)
    assert order["status"] == "refunded"
    assert [ticket["status"] for ticket in order["tickets"]] == ["void", "void"]
    [refund] = order["refunds"]
    assert (refund["amount"]["amount"], refund["status"], refund["cause"]) == (2 * PRICE, "succeeded", "dispute")
    assert "Dispute lost" in await told(shop, booking_id)
    assert await shop.books(booking_id) == {"revenue": -2 * PRICE, "refunds": 2 * PRICE}
    assert sum(isinstance(event, TicketVoided) for event in await shop.said(booking_id)) == 2


@pytest.mark.parametrize("ending", ["won", "lost"])
async def test_the_end_of_a_dispute_may_be_heard_of_before_its_beginning(shop: Shop, ending: str) -> None:
    booking_id = await shop.issued("F7")
    dispute_id = await dispute(shop, booking_id)
    await close(shop, dispute_id, ending)
    heard = await news(shop, dispute_id)
    assert len(heard) == 2
    for event in itertools.chain(reversed(heard), heard):
        await shop.hear([event])
    order = await shop.order(booking_id)
    [ticket] = order["tickets"]
    assert (order["status"], ticket["is_frozen"]) == {"won": ("issued", False), "lost": ("refunded", False)}[ending]
    assert len(order["refunds"]) == (ending == "lost")


async def test_tickets_that_come_after_the_dispute_are_frozen_from_the_start(shop: Shop) -> None:
    booking_id = await shop.paid("F7")
    dispute_id = await dispute(shop, booking_id)
    await shop.hear(await news(shop, dispute_id))
    await shop.sold(booking_id)
    [ticket] = (await shop.order(booking_id))["tickets"]
    assert (ticket["is_frozen"], await scan(shop, ticket["code"])) == (True, "void")


async def test_a_dispute_that_is_lost_before_the_tickets_are_there_ends_once_they_are(shop: Shop) -> None:
    booking_id = await shop.paid("F7")
    dispute_id = await dispute(shop, booking_id)
    await close(shop, dispute_id, "lost")
    await shop.hear(await news(shop, dispute_id))
    assert await shop.status(booking_id) == "paid"
    await shop.sold(booking_id)
    await shop.settle(booking_id, "refunded")


async def test_a_refund_that_the_dispute_has_stopped_is_the_banks_when_it_is_lost(shop: Shop) -> None:
    booking_id, dispute_id = await disputed(shop)
    await shop.cancel_showtime()
    await shop.settle(booking_id, "refund_failed")
    await close(shop, dispute_id, "lost")
    await shop.hear(await news(shop, dispute_id))
    order = await shop.order(booking_id)
    assert (order["status"], [refund["status"] for refund in order["refunds"]]) == (
        "refunded",
        [RefundStatus.SUCCEEDED],
    )
    assert await shop.books(booking_id) == {"revenue": -2 * PRICE, "refunds": 2 * PRICE}


async def test_the_papers_say_that_a_ticket_is_frozen(shop: Shop) -> None:
    booking_id, _ = await disputed(shop)
    paper = (await shop.owner(booking_id).get(f"{API}/orders/{booking_id}/tickets.pdf")).content
    assert "while its payment is disputed" in pages(paper)[0]
    assert scanned(paper) == ["", ""]
