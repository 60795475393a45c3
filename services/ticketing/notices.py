"""Mails about orders, in the customer's language. Each goes out once, if the caller's transaction commits."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.shared import mail
from services.shared.db import settings_of
from services.ticketing import codes, pdf, qr, wording
from services.ticketing.models import Customer, Order, Refund, Ticket

TEMPLATES = mail.Templates(Path(__file__).parent / "templates")


async def order_issued(session: AsyncSession, order: Order, tickets: Sequence[Ticket]) -> None:
    """The tickets, and the receipt where money was paid."""
    await tickets_issued(session, order, tickets)
    await order_paid(session, order)


async def tickets_issued(session: AsyncSession, order: Order, tickets: Sequence[Ticket], again: str = "") -> None:
    """The tickets as QR codes and on paper. `again` tells one time that somebody asks for them from the next."""
    customer = await recipient(session, order)
    if customer is None or not tickets:
        return
    signed = with_codes(session, tickets)
    attachments = [await paper(order, signed, customer), *await asyncio.to_thread(images, signed)]
    cause = f"tickets:{order.booking_id}{again and ':'}{again}"
    await send(session, cause, "tickets", order, customer, attachments, tickets=tickets, image_name=image_name)


async def order_paid(session: AsyncSession, order: Order) -> None:
    """The receipt."""
    customer = await recipient(session, order)
    if customer is None or not order.paid:
        return
    vat_percent = settings_of(session).vat_percent
    made = await asyncio.to_thread(pdf.receipt, order, (), customer, vat_percent)
    number = pdf.receipt_number(order)
    attachment = mail.Attachment(f"receipt-{number}.pdf", pdf.MEDIA_TYPE, made)
    amount = wording.money(order.paid, order.currency, customer.locale)
    seats = [seat.label for seat in order.held_seats]
    cause = f"receipt:{order.booking_id}"
    await send(session, cause, "receipt", order, customer, [attachment], amount=amount, number=number, seats=seats)


async def order_refunded(session: AsyncSession, order: Order, refund: Refund) -> None:
    """Money has gone back: all of it, or for some seats."""
    customer = await recipient(session, order)
    if customer is None:
        return
    story = wording.refund_text(refund, "refunded", customer.locale)
    amount = wording.money(refund.amount, refund.currency, customer.locale)
    await send(session, f"refund:{refund.id}", "refund", order, customer, story=story, amount=amount)


async def showtime_cancelled(session: AsyncSession, order: Order, refund: Refund | None, reason: str) -> None:
    """The cinema does not show the film, and what happens to the money. `refund` is None where nothing was paid."""
    customer = await recipient(session, order)
    if customer is None:
        return
    story = wording.cancellation_text(refund, customer.locale)
    await send(session, f"cancelled:{order.booking_id}", "cancelled", order, customer, story=story, reason=reason)


async def showtime_moved(
    session: AsyncSession, order: Order, was: Mapping[str, Any], version: int, reason: str
) -> None:
    """Another time or place, once for each `version` of the showtime. `was` is what the order showed before."""
    customer = await recipient(session, order)
    if customer is None:
        return
    cause = f"moved:{order.booking_id}:{version}"
    was_starts = when(was, customer.locale)
    await send(session, cause, "moved", order, customer, was=was, was_starts=was_starts, reason=reason)


async def showtime_near(session: AsyncSession, order: Order, tickets: Sequence[Ticket]) -> None:
    """The film is soon; once for each time that it starts at."""
    customer = await recipient(session, order)
    if customer is None:
        return
    attachment = await paper(order, with_codes(session, tickets), customer)
    doors = f"{settings_of(session).doors_minutes:g}"
    seats = [ticket.label for ticket in tickets]
    cause = f"reminder:{order.booking_id}:{order.starts_at.isoformat()}"
    await send(session, cause, "reminder", order, customer, [attachment], doors=doors, seats=seats)


async def recipient(session: AsyncSession, order: Order) -> Customer | None:
    """Nobody is told whose address we do not have (any more). Locked, so that no mail escapes being forgotten."""
    return await session.get(Customer, order.user_id, with_for_update={"read": True})


async def send(
    session: AsyncSession,
    cause: str,
    kind: str,
    order: Order,
    customer: Customer,
    attachments: Sequence[mail.Attachment] = (),
    **values: Any,
) -> None:
    rendered = TEMPLATES.render(
        f"{kind}.{wording.language(customer.locale)}",
        order=order,
        name=customer.full_name,
        starts=when(order.showtime, customer.locale),
        booking_url=f"{settings_of(session).public_url}/bookings/{order.booking_id}",
        **values,
    )
    await mail.send(session, cause, customer.email, rendered, attachments, customer.user_id)


def when(shown: Mapping[str, Any], locale: str) -> str:
    return wording.day_and_time(datetime.fromisoformat(shown["starts_at"]), shown["timezone"], locale)


def with_codes(session: AsyncSession, tickets: Sequence[Ticket]) -> Sequence[Ticket]:
    for ticket in tickets:
        ticket.code = codes.sign(settings_of(session), ticket)
    return tickets


async def paper(order: Order, tickets: Sequence[Ticket], customer: Customer) -> mail.Attachment:
    made = await asyncio.to_thread(pdf.tickets, order, tickets, customer.locale)
    return mail.Attachment("tickets.pdf", pdf.MEDIA_TYPE, made)


def images(tickets: Sequence[Ticket]) -> list[mail.Attachment]:
    return [mail.Attachment(image_name(ticket), "image/png", qr.png(ticket.code), inline=True) for ticket in tickets]


def image_name(ticket: Ticket) -> str:
    return f"{ticket.id}.png"
