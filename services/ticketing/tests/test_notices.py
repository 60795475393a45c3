import email
from email.message import EmailMessage
from email.policy import default

import pytest
from fastapi import FastAPI
from sqlalchemy import select

from services.shared.ids import new_id
from services.shared.mail import Mail, compose
from services.ticketing import notices
from services.ticketing.commands import tickets
from services.ticketing.models import Order, Refund, RefundCause, RefundTo, Ticket
from services.ticketing.tests.facts import make_customer, make_order, make_showtime, sessions_of


async def customer_order(app: FastAPI, locale: str = "en") -> Order:
    user_id = new_id()
    order = make_order(make_showtime(), user_id, 7, 8)
    async with sessions_of(app).begin() as session:
        session.add_all([order, make_customer(user_id, locale)])
    return order


async def mails(app: FastAPI) -> list[EmailMessage]:
    async with sessions_of(app).begin() as session:
        waiting = (await session.scalars(select(Mail).order_by(Mail.id))).all()
        sent = [compose(mail, "Marquee <tickets@marquee.example>").as_bytes() for mail in waiting]
    return [email.message_from_bytes(raw, policy=default) for raw in sent]


def part(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    assert body is not None
    text: str = body.get_content()
    return text


async def issue(app: FastAPI, order: Order) -> None:
    async with sessions_of(app).begin() as session:
        issued = await tickets.issue(session, order, order.held_seats)
        for _ in range(2):
            await notices.tickets_issued(session, order, issued)


async def test_tickets_go_out_once_with_a_qr_code_each(app: FastAPI) -> None:
    order = await customer_order(app)
    await issue(app, order)
    [mail] = await mails(app)
    assert mail["To"] == "ada@marquee.example"
    assert mail["Subject"] == "Your tickets for Die Büchse & Co"
    assert "F7, F8" in part(mail, "plain")
    assert f"/bookings/{order.booking_id}" in part(mail, "plain")
    html = part(mail, "html")
    assert "Die Büchse &amp; Co" in html
    images = [each for each in mail.walk() if each.get_content_type() == "image/png"]
    assert len(images) == 2
    for image in images:
        assert f"cid:{image['Content-ID'].strip('<>')}" in html
        assert image.get_content().startswith(b"\x89PNG")


async def test_a_german_customer_reads_german(app: FastAPI) -> None:
    order = await customer_order(app, "de-DE")
    await issue(app, order)
    [mail] = await mails(app)
    assert mail["Subject"] == "Deine Tickets für Die Büchse & Co"
    assert "Plätze  F7, F8" in part(mail, "plain")
    assert "Reihe F, Platz 7" in part(mail, "html")


@pytest.mark.parametrize(
    ("locale", "subject", "told"),
    [
        ("en", "Your refund of €24.50", "€24.50 has gone back to your card"),
        ("de", "Deine Erstattung von 24,50 €", "24,50 € wurden auf deine Karte erstattet"),
    ],
)
async def test_a_refund_says_why_and_how_much(app: FastAPI, locale: str, subject: str, told: str) -> None:
    order = await customer_order(app, locale)
    refund = Refund(id=new_id(), amount=2450, currency="EUR", to=RefundTo.CARD, cause=RefundCause.SHOWTIME_CANCELLED)
    async with sessions_of(app).begin() as session:
        for _ in range(2):
            await notices.order_refunded(session, order, refund)
    [mail] = await mails(app)
    assert mail["Subject"].replace("\N{NO-BREAK SPACE}", " ") == subject
    for kind in ("plain", "html"):
        assert told in part(mail, kind).replace("\N{NO-BREAK SPACE}", " ")


async def test_somebody_without_an_address_gets_no_mail(app: FastAPI) -> None:
    order = make_order(make_showtime(), new_id(), 7)
    await issue(app, order)
    async with sessions_of(app).begin() as session:
        refund = Refund(id=new_id(), amount=1250, currency="EUR", to=RefundTo.CARD, cause=RefundCause.CUSTOMER)
        await notices.order_refunded(session, order, refund)
    assert await mails(app) == []


async def test_a_customer_who_arrives_after_the_tickets_still_gets_them(app: FastAPI) -> None:
    order = make_order(make_showtime(), new_id(), 7, 8)
    async with sessions_of(app).begin() as session:
        session.add(order)
    await issue(app, order)
    async with sessions_of(app).begin() as session:
        await tickets.void(session, order.booking_id, [108])
    customer = make_customer(order.user_id)
    for _ in range(2):
        async with sessions_of(app).begin() as session:
            await tickets.name_holder(session, await session.merge(customer))
            names = await session.scalars(select(Ticket.holder_name))
            assert names.all() == ["Ada Test", "Ada Test"]
    [mail] = await mails(app)
    assert "Seats  F7\n" in part(mail, "plain")
