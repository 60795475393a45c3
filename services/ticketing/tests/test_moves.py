"""A showtime moves, comes near, is asked about again: whom we write to, and what their tickets are worth then."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, update

from services.shared.auth import Role
from services.shared.events import Hall, ShowtimeChanged, UserErased
from services.shared.ids import new_id
from services.shared.mail import Mail
from services.ticketing.commands import reminders
from services.ticketing.models import Order, Ticket
from services.ticketing.notices import writing
from services.ticketing.tests.shop import HALL, Shop

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def subjects(shop: Shop, booking_id: UUID) -> list[str]:
    """Of the mails about a booking, oldest first."""
    await writing.write(shop.work)
    mine = select(Mail.content["subject"].astext).where(Mail.cause.contains(str(booking_id))).order_by(Mail.id)
    async with shop.sessions.begin() as session:
        return [subject.partition(":")[0].partition(" for ")[0] for subject in await session.scalars(mine)]


async def change(shop: Shop, version: int, **changes: Any) -> None:
    shop.starts_at = changes.get("starts_at", shop.starts_at)
    await shop.events(ShowtimeChanged(**shop.showtime(**changes), version=version, reason="The organ is out of tune."))


async def told(shop: Shop, booking_id: UUID) -> list[str]:
    return [entry["what"] for entry in (await shop.order(booking_id))["timeline"]]


async def test_a_moved_showtime_tells_everybody_with_tickets_once_for_each_move(shop: Shop) -> None:
    booking_id = await shop.issued("F7")
    later = shop.starts_at + timedelta(hours=1)
    for _ in range(2):
        await change(shop, 2, starts_at=later)
    assert await subjects(shop, booking_id) == ["Your tickets", "Your receipt", "Changed"]
    await change(shop, 3, starts_at=later + timedelta(hours=1))
    assert (await subjects(shop, booking_id))[2:] == ["Changed", "Changed"]
    assert (await told(shop, booking_id)).count("Showtime moved") == 2


async def test_another_hall_is_told_and_another_price_is_not(shop: Shop) -> None:
    booking_id = await shop.issued("F7")
    await change(shop, 2, prices=[])
    assert "Changed" not in await subjects(shop, booking_id)
    await change(shop, 3, hall=Hall(id=HALL.id, name="Saal Eins", layout_version=1))
    assert "Changed" not in await subjects(shop, booking_id)
    await change(shop, 4, hall=Hall(id=new_id(), name="Saal 2", layout_version=1))
    assert (await subjects(shop, booking_id))[-1] == "Changed"
    order = await shop.order(booking_id)
    assert order["showtime"]["hall"]["name"] == "Saal 2"
    assert order["timeline"][-1]["what"] == "Another hall"


async def test_who_has_not_paid_is_told_on_the_page_alone(shop: Shop) -> None:
    waiting, gone = await shop.hold("F7"), await shop.hold("F8")
    await shop.post(gone, "cancel")
    await change(shop, 2, starts_at=shop.starts_at + timedelta(hours=1))
    assert (await told(shop, waiting))[-1] == "Showtime moved"
    assert "Showtime moved" not in await told(shop, gone)
    assert await subjects(shop, waiting) == []


async def test_a_moved_showtime_can_be_given_back_until_it_starts(shop: Shop) -> None:
    shop.starts_at = datetime.now(UTC) + timedelta(minutes=90)
    await change(shop, 2, starts_at=shop.starts_at)
    moved, bought_after = await shop.issued("F7"), None
    assert (await shop.post(moved, "cancel")).json()["code"] == "refund_window_closed"
    await change(shop, 3, starts_at=shop.starts_at - timedelta(minutes=30))
    bought_after = await shop.issued("F8")
    assert (await shop.order(moved))["moved_at"] is not None
    assert (await shop.post(moved, "cancel")).status_code == 200
    await shop.settle(moved, "refunded")
    assert (await shop.post(bought_after, "cancel")).json()["code"] == "refund_window_closed"
    over = await shop.issued("F9")
    await change(shop, 4, starts_at=datetime.now(UTC) - timedelta(minutes=1))
    assert (await shop.post(over, "cancel")).json()["code"] == "refund_window_closed"


async def test_codes_follow_the_showtime_and_the_old_one_still_opens_the_door(shop: Shop) -> None:
    booking_id = await shop.issued("F7")
    [before] = (await shop.order(booking_id))["tickets"]
    await change(shop, 2, starts_at=datetime.now(UTC) + timedelta(minutes=20))
    [after] = (await shop.order(booking_id))["tickets"]
    assert before["code"] != after["code"]
    staff = shop.client(Role.staff)
    for code, result in ((before["code"], "admitted"), (after["code"], "already_used")):
        answer = await staff.post("/api/ticketing/checkins", json={"code": code, "gate": "north"})
        assert answer.json()["result"] == result


async def shift(shop: Shop, booking_id: UUID, **values: Any) -> None:
    async with shop.sessions.begin() as session:
        await session.execute(update(Order).where(Order.booking_id == booking_id).values(**values))


async def test_people_are_reminded_once_and_again_if_the_showtime_moves(shop: Shop) -> None:
    booking_id = await shop.issued("F7")
    await reminders.remind(shop.work)
    assert "Soon" not in await subjects(shop, booking_id)
    await change(shop, 2, starts_at=datetime.now(UTC) + timedelta(hours=2))
    await shift(shop, booking_id, paid_at=datetime.now(UTC) - timedelta(hours=2))
    for _ in range(2):
        await reminders.remind(shop.work)
    assert (await subjects(shop, booking_id)).count("Soon") == 1
    await change(shop, 3, starts_at=datetime.now(UTC) + timedelta(hours=1))
    await shift(shop, booking_id, paid_at=datetime.now(UTC) - timedelta(hours=3))
    await reminders.remind(shop.work)
    assert (await subjects(shop, booking_id)).count("Soon") == 2


async def test_nobody_is_reminded_of_what_they_just_bought_gave_back_have_used_or_have_seen(shop: Shop) -> None:
    await change(shop, 2, starts_at=datetime.now(UTC) + timedelta(hours=2, minutes=30))
    just_bought, given_back, used, seen = [await shop.issued(f"F{number}") for number in range(1, 5)]
    for booking_id in (given_back, used, seen):
        await shift(shop, booking_id, paid_at=datetime.now(UTC) - timedelta(days=1))
    await shop.post(given_back, "cancel")
    await shop.settle(given_back, "refunded")
    async with shop.sessions.begin() as session:
        use = update(Ticket).where(Ticket.booking_id == used)
        await session.execute(use.values(status="used", used_at=datetime.now(UTC), used_gate="north"))
    await shift(shop, seen, starts_at=datetime.now(UTC) - timedelta(minutes=1))
    await reminders.remind(shop.work)
    for booking_id in (just_bought, given_back, used, seen):
        assert "Soon" not in await subjects(shop, booking_id)


async def test_nobody_is_reminded_of_a_cancelled_showtime(shop: Shop) -> None:
    booking_id = await shop.issued("F7")
    await change(shop, 2, starts_at=datetime.now(UTC) + timedelta(hours=2))
    await shift(shop, booking_id, paid_at=datetime.now(UTC) - timedelta(days=1))
    await shop.cancel_showtime()
    await reminders.remind(shop.work)
    assert "Soon" not in await subjects(shop, booking_id)


async def test_tickets_are_mailed_again_to_the_present_address_but_not_for_ever(own_shop: Shop) -> None:
    booking_id = await own_shop.issued("F7")
    answers = [await own_shop.post(booking_id, "resend") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[1].json()["timeline"][-1]["what"] == "Tickets sent again"
    assert (await subjects(own_shop, booking_id)).count("Your tickets") == 3
    own_shop.sessions.settings = own_shop.sessions.settings.model_copy(update={"rate_limit_factor": 1})
    for _ in range(3):
        assert (await own_shop.post(booking_id, "resend")).status_code == 200
    limited = await own_shop.post(booking_id, "resend", own_shop.client(Role.staff))
    assert (limited.status_code, limited.json()["code"]) == (429, "rate_limited")
    assert 3500 < int(limited.headers["retry-after"]) <= 3600


async def test_only_valid_tickets_of_ones_own_are_mailed_again(shop: Shop) -> None:
    booking_id = await shop.paid("F7")
    refused = await shop.post(booking_id, "resend")
    assert (refused.status_code, refused.json()["code"], refused.json()["order_status"]) == (409, "not_issued", "paid")
    await shop.sold(booking_id)
    stranger = await shop.post(booking_id, "resend", shop.client(Role.customer, new_id()))
    assert (stranger.status_code, stranger.json()["code"]) == (404, "order_not_found")


async def test_who_was_erased_is_written_to_no_more(shop: Shop) -> None:
    booking_id = await shop.issued("F7")
    await writing.write(shop.work)
    await shop.events(UserErased(user_id=shop.owners[booking_id]))
    await change(shop, 2, starts_at=shop.starts_at + timedelta(hours=1))
    assert (await shop.post(booking_id, "resend", shop.client(Role.staff))).status_code == 200
    await writing.write(shop.work)
    about = select(func.count()).where(Mail.cause.contains(str(booking_id)))
    async with shop.sessions.begin() as session:
        assert (
            await session.scalar(about.where(Mail.cause.not_in([f"tickets:{booking_id}", f"receipt:{booking_id}"])))
            == 0
        )
