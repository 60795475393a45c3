from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import icalendar
import pytest
from fastapi import FastAPI
from httpx import Response

from services.shared.auth import Role
from services.shared.ids import new_id
from services.shared.testing import caller
from services.ticketing import codes, ics
from services.ticketing.commands import tickets
from services.ticketing.models import (
    Method,
    Order,
    OrderStatus,
    Refund,
    RefundCause,
    RefundStatus,
    RefundTo,
    ShowtimeStatus,
    Ticket,
    TicketStatus,
)
from services.ticketing.queries.tickets import signed
from services.ticketing.tests.facts import MOVIE, make_customer, make_order, make_showtime, sessions_of
from services.ticketing.tests.reading import pages, scanned

API = "/api/ticketing"
NAME = "Łukasz Ñandú Ελένη Юлия"


async def buy(app: FastAPI, *numbers: int, locale: str = "en", **changes: Any) -> tuple[Order, Sequence[Ticket]]:
    """An order that was paid by card on 24 December 2026 for a show on the next evening, and its tickets."""
    user_id = new_id()
    showtime = make_showtime(starts_at=datetime(2026, 12, 25, 19, 30, tzinfo=UTC))
    facts: dict[str, Any] = {"status": OrderStatus.ISSUED, "paid_at": datetime(2026, 12, 24, 23, 30, tzinfo=UTC)}
    order = make_order(showtime, user_id, *numbers, **facts | changes)
    customer = make_customer(user_id, locale)
    customer.full_name = NAME
    async with sessions_of(app).begin() as session:
        session.add_all([await session.merge(showtime), customer, order])
        issued = await tickets.issue(session, order, order.held_seats)
        return order, [signed(session, ticket) for ticket in issued]


async def fetch(app: FastAPI, path: str, role: Role = Role.staff, user_id: UUID | None = None) -> Response:
    return await caller(app, role, user_id).get(f"{API}{path}")


async def document(app: FastAPI, path: str) -> bytes:
    answer = await fetch(app, path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf"), answer.text
    assert answer.headers["cache-control"].startswith("private")
    return answer.content


async def test_a_ticket_says_everything_and_its_code_can_be_scanned(app: FastAPI) -> None:
    order, [ticket, _] = await buy(app, 7, 8)
    pdf = await document(app, f"/tickets/{ticket.id}.pdf")
    [page] = pages(pdf)
    told = ("Die Büchse & Co", "2D, German", "Friday 25 December 2026", "20:30", "Lichtburg", "Saal 1")
    for fact in (*told, "ROW F", "SEAT 7", "Adult Premium", NAME, "€12.50", str(order.booking_id), "Show this code"):
        assert fact in page, fact
    assert scanned(pdf) == [ticket.code]


async def test_all_tickets_of_an_order_are_one_document_in_the_customers_language(app: FastAPI) -> None:
    order, issued = await buy(app, 7, 8, 9, locale="de-AT")
    async with sessions_of(app).begin() as session:
        await tickets.void(session, order.booking_id, [issued[1].seat_no])
    pdf = await document(app, f"/orders/{order.booking_id}/tickets.pdf")
    assert ["REIHE F PLATZ 7" in pages(pdf)[0], "REIHE F PLATZ 9" in pages(pdf)[1]] == [True, True]
    assert "Freitag, 25. Dezember 2026" in pages(pdf)[0]
    assert scanned(pdf) == [issued[0].code, issued[2].code]


async def test_a_void_ticket_shows_no_code(app: FastAPI) -> None:
    order, [ticket] = await buy(app, 7)
    async with sessions_of(app).begin() as session:
        await tickets.void(session, order.booking_id)
    pdf = await document(app, f"/tickets/{ticket.id}.pdf")
    assert "This ticket was cancelled" in pages(pdf)[0]
    assert scanned(pdf) == [""]


async def test_a_long_title_in_letters_that_no_font_has_is_no_fault(app: FastAPI) -> None:
    title = "\N{COW}" + "Sehr langer Titel mit 千と千尋の神隠し und #typst[code] \\ $x$ " * 8
    _, [ticket] = await buy(app, 7, movie=MOVIE | {"title": title})
    [page] = pages(await document(app, f"/tickets/{ticket.id}.pdf"))
    assert "#typst[code] \\ $x$" in page


async def test_the_same_facts_give_the_same_bytes(app: FastAPI) -> None:
    _, [ticket] = await buy(app, 7)
    assert len({await document(app, f"/tickets/{ticket.id}.pdf") for _ in range(2)}) == 1


async def test_a_receipt_adds_up(app: FastAPI) -> None:
    order, _ = await buy(app, 7, 8, discount=245, total=2255, paid=2255)
    [page] = pages(await document(app, f"/orders/{order.booking_id}/receipt.pdf"))
    for fact in ("Receipt", "25 Dec 2026", "Lichtburg", NAME, "F7 Adult, Premium €12.50", "F8 Adult, Premium €12.50"):
        assert fact in page, fact
    assert "Subtotal €25.00 Discount -€2.45 Total €22.55" in page
    assert "of which 7 % VAT €1.48 Net amount €21.07" in page
    assert "Paid on 25 Dec 2026, by card €22.55" in page
    assert f"20261224-{order.booking_id.hex[-8:].upper()}" in page


async def test_a_receipt_shows_what_went_back_and_what_is_left(app: FastAPI) -> None:
    order, _ = await buy(app, 7, 8, locale="de", method=Method.COINS)
    facts: dict[str, Any] = {"booking_id": order.booking_id, "currency": "EUR", "seats": [], "settles": False}
    back = {"to": RefundTo.COINS, "cause": RefundCause.CUSTOMER, "sold": True, "coins": 1}
    done = datetime(2026, 12, 26, 8, tzinfo=UTC)
    async with sessions_of(app).begin() as session:
        session.add(Refund(number=1, amount=1250, status=RefundStatus.SUCCEEDED, done_at=done, **facts, **back))
        session.add(Refund(number=2, amount=100, **facts, **back))
        # Neither has anything to do with what the seats cost.
        session.add(Refund(number=3, amount=777, status=RefundStatus.FAILED, **facts, **back))
        session.add(Refund(number=4, amount=888, **facts, **back | {"sold": False}))
    [page] = pages(await document(app, f"/orders/{order.booking_id}/receipt.pdf"))
    assert "Bezahlt am 25.12.2026, mit Coins 25,00 €" in page
    assert "Erstattet am 26.12.2026 auf deine Wallet -12,50 €" in page
    assert "Erstattung unterwegs auf deine Wallet -1,00 €" in page
    assert "Rest nach Erstattungen 11,50 € darin 7 % MwSt. 0,75 € Nettobetrag 10,75 €" in page
    assert "7,77" not in page
    assert "8,88" not in page


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [("receipt.pdf", OrderStatus.EXPIRED, "not_paid"), ("tickets.pdf", OrderStatus.REFUNDED, "not_issued")],
)
async def test_there_is_no_paper_for_what_is_not_so(app: FastAPI, path: str, status: OrderStatus, code: str) -> None:
    order, _ = await buy(app, 7, status=status, paid_at=None, paid=0)
    answer = await fetch(app, f"/orders/{order.booking_id}/{path}")
    assert (answer.status_code, answer.json()["code"], answer.json()["order_status"]) == (409, code, status)


async def test_only_the_owner_and_the_staff_get_documents(app: FastAPI) -> None:
    order, [ticket] = await buy(app, 7)
    papers = {
        f"/orders/{order.booking_id}/receipt.pdf": "order_not_found",
        f"/orders/{order.booking_id}/tickets.pdf": "order_not_found",
        **{f"/tickets/{ticket.id}.{ending}": "ticket_not_found" for ending in ("pdf", "svg", "ics")},
    }
    for path, code in papers.items():
        assert (await fetch(app, path, Role.customer, order.user_id)).status_code == 200
        refused = await fetch(app, path, Role.customer)
        assert (refused.status_code, refused.json()["code"]) == (404, code)
        assert (await caller(app).get(f"{API}{path}")).status_code == 401


def calendar_entry(**changes: Any) -> Any:
    showtime = make_showtime(starts_at=datetime(2026, 12, 25, 19, 30, tzinfo=UTC), **changes)
    ticket = Ticket(id=new_id(), label="F7", status=TicketStatus.VALID, issued_at=datetime.now(UTC))
    raw = ics.entry(ticket, showtime)
    assert b"\r\n" in raw
    return icalendar.Calendar.from_ical(raw)


def test_a_calendar_entry_keeps_the_theaters_time_wherever_its_owner_travels() -> None:
    calendar = calendar_entry()
    [entry] = calendar.events
    assert entry["dtstart"].params["TZID"] == "Europe/Berlin"
    assert entry.start.isoformat() == "2026-12-25T20:30:00+01:00"
    assert [zone["tzid"] for zone in calendar.timezones] == ["Europe/Berlin"]


def test_a_calendar_replaces_what_it_has_when_the_showtime_moves_and_ends_it_when_it_is_cancelled() -> None:
    [moved] = calendar_entry(version=2).events
    assert (moved["sequence"], moved["status"]) == (2, "CONFIRMED")
    [cancelled] = calendar_entry(version=3, status=ShowtimeStatus.CANCELLED).events
    assert (cancelled["sequence"], cancelled["status"]) == (4, "CANCELLED")


async def test_a_cancelled_tickets_entry_is_newer_than_the_one_before(app: FastAPI) -> None:
    order, [ticket] = await buy(app, 7)

    async def entry() -> Any:
        [found] = icalendar.Calendar.from_ical((await fetch(app, f"/tickets/{ticket.id}.ics")).text).events
        return found

    before = await entry()
    async with sessions_of(app).begin() as session:
        await tickets.void(session, order.booking_id)
    after = await entry()
    assert (before["uid"], before["status"], after["status"]) == (after["uid"], "CONFIRMED", "CANCELLED")
    assert after["sequence"] > before["sequence"]
    assert after["dtstamp"].dt - before["dtstamp"].dt < timedelta(minutes=1)


async def test_the_code_on_paper_verifies_offline(app: FastAPI) -> None:
    order, [ticket] = await buy(app, 7)
    [code] = scanned(await document(app, f"/tickets/{ticket.id}.pdf"))
    claims = codes.read(sessions_of(app).settings, code)
    assert (claims.ticket_id, claims.showtime_id, claims.seat) == (ticket.id, order.showtime_id, "F7")
