"""Letters become mails, in their customer's language and to the address that the customer has now."""

from asyncio import to_thread
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from services.shared import mail
from services.shared.db import Sessions, settings_of
from services.shared.errors import is_outage
from services.shared.jobs import Work
from services.ticketing import codes, pdf, qr, wording
from services.ticketing.models import Customer, Letter, LetterKind, Order, Refund, Ticket, TicketStatus

TEMPLATES = mail.Templates(Path(__file__).parents[1] / "templates")
FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(hours=1)

log = structlog.get_logger()


@dataclass(frozen=True)
class Draft:
    """What a template needs beside the order, and what goes with the mail."""

    values: Mapping[str, Any]
    files: Sequence[mail.Attachment] = ()


async def write(work: Work) -> None:
    """Write what waits, oldest first."""
    while await write_next(work.sessions):
        pass


async def write_next(transactions: Sessions) -> bool:
    """Whether there was one. A letter that can't be written must not hold up the others."""
    due = select(Letter).where(Letter.next_at <= func.now()).order_by(Letter.next_at, Letter.id).limit(1)
    async with transactions.begin() as session:
        letter = await session.scalar(due.with_for_update(skip_locked=True))
        if letter is None:
            return False
        try:
            async with session.begin_nested():
                await write_one(session, letter)
                await session.delete(letter)
        except Exception as error:
            if is_outage(error):
                raise
            log.exception("letter not written", cause=letter.cause, tries=letter.tries)
            letter.tries += 1
            letter.next_at = func.now() + min(FIRST_PAUSE * 2 ** min(letter.tries, 10), LONGEST_PAUSE)
        return True


async def write_one(session: AsyncSession, letter: Letter) -> None:
    """Nobody is written whose address we do not have (any more). Locked, so that no mail escapes being forgotten."""
    parts = (selectinload(Order.tickets), selectinload(Order.refunds))
    order = await session.get_one(Order, letter.booking_id, options=parts, populate_existing=True)
    customer = await session.get(Customer, order.user_id, with_for_update={"read": True})
    if customer is None:
        return
    draft = await WRITERS[letter.kind](session, order, customer, letter.facts)
    if draft is None:
        return
    rendered = TEMPLATES.render(
        f"{letter.kind}.{wording.language(customer.locale)}",
        order=order,
        name=customer.full_name,
        starts=when(order.showtime, customer),
        booking_url=f"{settings_of(session).public_url}/bookings/{order.booking_id}",
        **draft.values,
    )
    await mail.send(session, letter.cause, customer.email, rendered, draft.files, customer.user_id)


async def tickets(session: AsyncSession, order: Order, customer: Customer, _: Mapping[str, Any]) -> Draft | None:
    """None where all of them have ended meanwhile."""
    live = with_codes(session, [ticket for ticket in order.tickets if ticket.status is not TicketStatus.VOID])
    if not live:
        return None
    files = [await paper(order, live, customer), *await to_thread(images, live)]
    return Draft({"tickets": live, "image_name": image_name}, files)


async def receipt(session: AsyncSession, order: Order, customer: Customer, _: Mapping[str, Any]) -> Draft:
    made = await to_thread(pdf.receipt, order, order.refunds, customer, settings_of(session).vat_percent)
    number = pdf.receipt_number(order)
    values = {
        "number": number,
        "amount": wording.money(order.paid, order.currency, customer.locale),
        "seats": [seat.label for seat in order.held_seats],
    }
    return Draft(values, [mail.Attachment(f"receipt-{number}.pdf", pdf.MEDIA_TYPE, made)])


async def refund(_: AsyncSession, order: Order, customer: Customer, facts: Mapping[str, Any]) -> Draft:
    done = named(order, facts["refund"])
    story = wording.refund_text(done, "refunded", customer.locale)
    return Draft({"story": story, "amount": wording.money(done.amount, done.currency, customer.locale)})


async def cancelled(_: AsyncSession, order: Order, customer: Customer, facts: Mapping[str, Any]) -> Draft:
    begun = named(order, facts["refund"]) if facts["refund"] else None
    story = wording.cancellation_text(begun, customer.locale)
    amount = begun and wording.money(begun.amount, begun.currency, customer.locale)
    return Draft({"story": story, "amount": amount, "reason": facts["reason"]})


async def moved(_: AsyncSession, __: Order, customer: Customer, facts: Mapping[str, Any]) -> Draft:
    return Draft({**facts, "was_starts": when(facts["was"], customer)})


async def reminder(session: AsyncSession, order: Order, customer: Customer, _: Mapping[str, Any]) -> Draft | None:
    """None where there is nothing (left) to come for."""
    waiting = [ticket for ticket in order.tickets if ticket.status is TicketStatus.VALID and not ticket.is_frozen]
    if not waiting:
        return None
    values = {"doors": f"{settings_of(session).doors_minutes:g}", "seats": [ticket.label for ticket in waiting]}
    return Draft(values, [await paper(order, with_codes(session, waiting), customer)])


def named(order: Order, refund_id: str) -> Refund:
    return next(refund for refund in order.refunds if str(refund.id) == refund_id)


def when(shown: Mapping[str, Any], customer: Customer) -> str:
    return wording.day_and_time(datetime.fromisoformat(shown["starts_at"]), shown["timezone"], customer.locale)


def with_codes(session: AsyncSession, found: Sequence[Ticket]) -> Sequence[Ticket]:
    for ticket in found:
        ticket.code = codes.sign(settings_of(session), ticket)
    return found


async def paper(order: Order, found: Sequence[Ticket], customer: Customer) -> mail.Attachment:
    made = await to_thread(pdf.tickets, order, found, customer.locale)
    return mail.Attachment("tickets.pdf", pdf.MEDIA_TYPE, made)


def images(found: Sequence[Ticket]) -> list[mail.Attachment]:
    return [mail.Attachment(image_name(ticket), "image/png", qr.png(ticket.code), inline=True) for ticket in found]


def image_name(ticket: Ticket) -> str:
    return f"{ticket.id}.png"


WRITERS: dict[LetterKind, Callable[[AsyncSession, Order, Customer, Mapping[str, Any]], Awaitable[Draft | None]]] = {
    LetterKind.TICKETS: tickets,
    LetterKind.RECEIPT: receipt,
    LetterKind.REFUND: refund,
    LetterKind.CANCELLED: cancelled,
    LetterKind.MOVED: moved,
    LetterKind.REMINDER: reminder,
}
