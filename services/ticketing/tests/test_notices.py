import asyncio
import email
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import default

import pytest
from fastapi import FastAPI
from sqlalchemy import func, select, update

from services.shared.ids import new_id
from services.shared.jobs import Work
from services.shared.mail import Mail, compose
from services.ticketing import notices
from services.ticketing.commands import tickets
from services.ticketing.models import Customer, Letter, Order, Refund, RefundCause, RefundTo, Ticket
from services.ticketing.notices import writing
from services.ticketing.queries.tickets import signed
from services.ticketing.tests.facts import make_customer, make_order, make_showtime, sessions_of
from services.ticketing.tests.reading import pages, scanned


async def customer_order(app: FastAPI, locale: str = "en") -> Order:
    user_id = new_id()
    order = make_order(make_showtime(), user_id, 7, 8)
    async with sessions_of(app).begin() as session:
        session.add_all([order, make_customer(user_id, locale)])
    return order


async def mails(app: FastAPI) -> list[EmailMessage]:
    await writing.write(Work(sessions_of(app), app.state))
    async with sessions_of(app).begin() as session:
        waiting = (await session.scalars(select(Mail).order_by(Mail.id))).all()
        sent = [compose(mail, "Marquee <tickets@marquee.example>").as_bytes() for mail in waiting]
    return [email.message_from_bytes(raw, policy=default) for raw in sent]


def part(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    assert body is not None
    text: str = body.get_content()
    return text


def make_refund(order: Order, to: RefundTo, cause: RefundCause = RefundCause.SHOWTIME_CANCELLED) -> Refund:
    return Refund(
        id=new_id(),
        booking_id=order.booking_id,
        number=1,
        amount=2450,
        currency="EUR",
        coins=245 if to is RefundTo.COINS else None,
        to=to,
        cause=cause,
        tries=1,
        seats=[],
        settles=True,
        sold=True,
    )


def files(message: EmailMessage) -> list[EmailMessage]:
    return [each for each in message.iter_attachments() if each.get_content_disposition() == "attachment"]


def plain(message: EmailMessage) -> str:
    return part(message, "plain").replace("\N{NO-BREAK SPACE}", " ")


async def issue(app: FastAPI, order: Order) -> list[Ticket]:
    async with sessions_of(app).begin() as session:
        issued = await tickets.issue(session, order, order.held_seats)
        for _ in range(2):
            await notices.tickets_issued(session, order)
        return [signed(session, ticket) for ticket in issued]


async def test_tickets_go_out_once_with_a_qr_code_each(app: FastAPI) -> None:
    order = await customer_order(app)
    issued = await issue(app, order)
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
    [paper] = files(mail)
    assert scanned(paper.get_content()) == [ticket.code for ticket in issued]


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
        ("en", "Your refund of €24.50", "€24.50 is back in your wallet as coins"),
        ("de", "Deine Erstattung von 24,50 €", "24,50 € sind als Coins wieder in deiner Wallet"),
    ],
)
async def test_a_refund_says_why_and_how_much(app: FastAPI, locale: str, subject: str, told: str) -> None:
    order = await customer_order(app, locale)
    refund = make_refund(order, RefundTo.COINS, RefundCause.CUSTOMER)
    async with sessions_of(app).begin() as session:
        session.add(refund)
        await session.flush()
        for _ in range(2):
            await notices.order_refunded(session, order, refund)
    [mail] = await mails(app)
    assert mail["Subject"].replace("\N{NO-BREAK SPACE}", " ") == subject
    for kind in ("plain", "html"):
        assert told in part(mail, kind).replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize(
    ("locale", "subject", "told"),
    [
        ("en", "Your receipt for Die Büchse & Co", "Paid     €25.00"),
        ("de", "Dein Beleg für Die Büchse & Co", "Bezahlt  25,00 €"),
    ],
)
async def test_a_receipt_comes_on_paper(app: FastAPI, locale: str, subject: str, told: str) -> None:
    order = await customer_order(app, locale)
    async with sessions_of(app).begin() as session:
        for _ in range(2):
            await notices.order_issued(session, order)
    [mail] = await mails(app)
    assert mail["Subject"] == subject
    assert told in plain(mail)
    [paper] = files(mail)
    assert paper.get_filename() == f"receipt-20260701-{order.booking_id.hex[-8:].upper()}.pdf"
    assert "25,00 €" in pages(paper.get_content())[0] or "€25.00" in pages(paper.get_content())[0]


async def test_who_paid_nothing_gets_no_receipt(app: FastAPI) -> None:
    order = await customer_order(app)
    async with sessions_of(app).begin() as session:
        order.paid = 0
        await notices.order_issued(session, order)
    assert await mails(app) == []


@pytest.mark.parametrize(
    ("to", "told"),
    [
        (RefundTo.COINS, "€24.50 is on its way back to your wallet as coins."),
        (RefundTo.CASH, "The box office gives you €24.50 back."),
        (RefundTo.TERMINAL, "The box office sends €24.50 back to your card."),
        (None, "the cinema has cancelled this showtime."),
    ],
)
async def test_a_cancelled_showtime_says_what_happens_to_the_money(
    app: FastAPI, to: RefundTo | None, told: str
) -> None:
    order = await customer_order(app)
    refund = make_refund(order, to) if to else None
    async with sessions_of(app).begin() as session:
        session.add_all([refund] if refund else [])
        await session.flush()
        for _ in range(2):
            await notices.showtime_cancelled(session, order, refund, "The projector broke.")
    [mail] = await mails(app)
    assert mail["Subject"].startswith("Cancelled: Die Büchse & Co, ")
    assert mail["Subject"].endswith(": your refund of €24.50") is (to is not None)
    for text in (plain(mail), part(mail, "html")):
        assert told in text
        assert "The cinema says: The projector broke." in text


@pytest.mark.parametrize(("tries", "letters"), [(1, 1), (2, 2)])
async def test_who_knows_of_the_cancelled_showtime_hears_of_its_refund_again_only_if_the_first_try_failed(
    app: FastAPI, tries: int, letters: int
) -> None:
    order = await customer_order(app)
    refund = make_refund(order, RefundTo.COINS)
    refund.tries = tries
    async with sessions_of(app).begin() as session:
        session.add(refund)
        await session.flush()
        await notices.showtime_cancelled(session, order, refund, "")
        await notices.order_refunded(session, order, refund)
    assert len(await mails(app)) == letters


async def test_a_german_customer_reads_every_mail_in_german(app: FastAPI) -> None:
    order = await customer_order(app, "de")
    async with sessions_of(app).begin() as session:
        await notices.showtime_cancelled(session, order, None, "")
        await notices.showtime_moved(session, order, order.showtime, 2, "Der Projektor ist kaputt.")
        await tickets.issue(session, order, order.held_seats)
        await notices.showtime_near(session, order)
    subjects = [mail["Subject"].partition(" Die Büchse & Co")[0] for mail in await mails(app)]
    assert subjects == ["Abgesagt:", "Geändert:", "Bald:"]


async def test_somebody_without_an_address_gets_no_mail(app: FastAPI) -> None:
    order = make_order(make_showtime(), new_id(), 7)
    await issue(app, order)
    async with sessions_of(app).begin() as session:
        refund = make_refund(order, RefundTo.COINS, RefundCause.CUSTOMER)
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
    [mail, receipt] = await mails(app)
    assert "Seats  F7\n" in part(mail, "plain")
    assert receipt["Subject"] == "Your receipt for Die Büchse & Co"


async def test_a_letter_that_can_not_be_written_holds_up_no_other_and_is_tried_again(app: FastAPI) -> None:
    broken, order = await customer_order(app), await customer_order(app)
    async with sessions_of(app).begin() as session:
        await session.execute(update(Order).where(Order.booking_id == broken.booking_id).values(movie={}))
        for each in (broken, order):
            await notices.showtime_moved(session, each, each.showtime, 2, "")
    assert len(await mails(app)) == 1
    async with sessions_of(app).begin() as session:
        [letter] = await session.scalars(select(Letter))
        assert (letter.booking_id, letter.tries, letter.next_at > datetime.now(UTC)) == (broken.booking_id, 1, True)
        await session.execute(update(Letter).values(next_at=func.now()))
        await session.execute(update(Order).where(Order.booking_id == broken.booking_id).values(movie=order.movie))
    assert len(await mails(app)) == 2


async def test_a_mail_goes_to_the_address_that_the_customer_has_when_it_is_written(app: FastAPI) -> None:
    order = await customer_order(app)
    async with sessions_of(app).begin() as session:
        await notices.showtime_moved(session, order, order.showtime, 2, "")
        await session.execute(update(Customer).values(email="ada@new.example"))
    [mail] = await mails(app)
    assert mail["To"] == "ada@new.example"


async def test_letters_that_have_lost_their_sense_are_not_sent(app: FastAPI) -> None:
    order = await customer_order(app)
    async with sessions_of(app).begin() as session:
        await tickets.issue(session, order, order.held_seats)
        await notices.tickets_issued(session, order)
        await notices.showtime_near(session, order)
        await tickets.void(session, order.booking_id)
    assert await mails(app) == []


async def test_several_processes_write_each_letter_once(app: FastAPI) -> None:
    order = await customer_order(app)
    async with sessions_of(app).begin() as session:
        for version in range(20):
            await notices.showtime_moved(session, order, order.showtime, version, "")
    work = Work(sessions_of(app), app.state)
    await asyncio.gather(*(writing.write(work) for _ in range(4)))
    assert len(await mails(app)) == 20
