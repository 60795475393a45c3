"""Mails about orders, in the customer's language. Each goes out once, if the caller's transaction commits."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession

from services.shared import mail
from services.shared.db import settings_of
from services.ticketing import codes, qr, wording
from services.ticketing.models import Customer, Order, Refund, Ticket

TEMPLATES = mail.Templates(Path(__file__).parent / "templates")


async def tickets_issued(session: AsyncSession, order: Order, tickets: Sequence[Ticket]) -> None:
    """The tickets with their QR codes. Nobody is told whose address we do not have (any more)."""
    customer = await session.get(Customer, order.user_id)
    if customer is None or not tickets:
        return
    settings = settings_of(session)
    signed = [codes.sign(settings, ticket) for ticket in tickets]
    images = await asyncio.to_thread(lambda: [qr.png(code) for code in signed])
    attachments = [
        mail.Attachment(image_name(ticket), "image/png", image, inline=True)
        for ticket, image in zip(tickets, images, strict=True)
    ]
    rendered = render("tickets", order, customer, settings.public_url, tickets=tickets, image_name=image_name)
    await mail.send(session, f"tickets:{order.booking_id}", customer.email, rendered, attachments)


async def order_refunded(session: AsyncSession, order: Order, refund: Refund) -> None:
    """Money has gone back: all of it, or for some seats."""
    customer = await session.get(Customer, order.user_id)
    if customer is None:
        return
    story = wording.refund_text(refund, "refunded", customer.locale)
    amount = wording.money(refund.amount, refund.currency, customer.locale)
    rendered = render("refund", order, customer, settings_of(session).public_url, story=story, amount=amount)
    await mail.send(session, f"refund:{refund.id}", customer.email, rendered)


def render(kind: str, order: Order, customer: Customer, public_url: str, **values: object) -> tuple[str, str, str]:
    starts = wording.day_and_time(order.starts_at, order.showtime["timezone"], customer.locale)
    return TEMPLATES.render(
        f"{kind}.{wording.language(customer.locale)}",
        order=order,
        name=customer.full_name,
        starts=starts,
        booking_url=f"{public_url}/bookings/{order.booking_id}",
        **values,
    )


def image_name(ticket: Ticket) -> str:
    return f"{ticket.id}.png"
