"""Tickets and receipts as PDF, made anew whenever somebody asks, by Typst (https://typst.app/docs).

The layout stands in `papers/`; here are the words and sums. The same facts give the same bytes. Typst's own fonts have
the Latin, Greek and Cyrillic letters; what they lack comes from the machine's fonts, if it has any.
"""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import typst

from services.ticketing import pricing, qr, wording
from services.ticketing.models import Customer, Order, Refund, RefundStatus, Ticket, TicketStatus
from services.ticketing.wording import papers

PAPERS = Path(__file__).parent / "papers"
MEDIA_TYPE = "application/pdf"


def tickets(order: Order, which: Sequence[Ticket], locale: str | None) -> bytes:
    """A page for each; the tickets need their codes. Times are those of the theater."""
    timezone = order.showtime["timezone"]
    values = {
        **head(order, locale),
        "edition": papers.edition(order.showtime["format"], order.showtime["language"], locale),
        "day": papers.long_day(order.starts_at, timezone, locale),
        "time": wording.time_of_day(order.starts_at, timezone, locale),
        "theater": place(order),
        "hall": order.showtime["hall"]["name"],
        "tickets": [of_ticket(ticket, locale) for ticket in which],
    }
    return render("tickets", values)


def receipt(order: Order, refunds: Sequence[Refund], buyer: Customer | None, vat_percent: Decimal) -> bytes:
    """What was bought, what it cost, how it was paid, and what of it went back. `buyer` is None for an erased one."""
    assert order.paid_at is not None, "what was not paid has no receipt"
    timezone = order.showtime["timezone"]
    locale = buyer.locale if buyer else None
    values = {
        **head(order, locale),
        "number": receipt_number(order),
        "date": papers.short_date(order.paid_at, timezone, locale),
        "seller": place(order),
        "buyer": buyer.full_name if buyer else "",
        "showtime": wording.day_and_time(order.starts_at, timezone, locale),
        "lines": lines(order, locale),
        "sums": sums(order, vat_percent, locale),
        "payments": payments(order, refunds, vat_percent, locale),
    }
    return render("receipt", values)


def receipt_number(order: Order) -> str:
    """The day of the payment in UTC and the end of the booking's id, which is random."""
    return f"{order.paid_at:%Y%m%d}-{order.booking_id.hex[-8:].upper()}"


def head(order: Order, locale: str | None) -> dict[str, Any]:
    return {
        "language": wording.language(locale),
        "words": papers.words(locale),
        "title": order.movie["title"],
        "film": order.movie["title"],
        "booking": str(order.booking_id),
    }


def place(order: Order) -> str:
    theater = order.showtime["theater"]
    return ", ".join(filter(None, (theater["name"], theater.get("city"))))


def of_ticket(ticket: Ticket, locale: str | None) -> dict[str, Any]:
    words = papers.words(locale)
    kind = f"{papers.ticket_type(ticket.ticket_type, locale)}\n{papers.category(ticket.category, locale)}"
    opens = ticket.status != TicketStatus.VOID and not ticket.is_frozen
    refusal = words["void"] if ticket.status == TicketStatus.VOID else words["frozen"]
    return {
        "row": ticket.row,
        "number": str(ticket.number),
        "kind": kind,
        "holder": ticket.holder_name,
        "price": wording.money(ticket.amount, ticket.currency, locale),
        "code": qr.svg(ticket.code).decode() if opens else None,
        "alt": words["alt"].format(seat=ticket.label),
        "advice": words["show_code"] if opens else refusal,
    }


def lines(order: Order, locale: str | None) -> list[dict[str, str]]:
    return [
        {
            "seat": seat.label,
            "what": f"{papers.ticket_type(seat.ticket_type, locale)}, {papers.category(seat.category, locale)}",
            "amount": wording.money(seat.price, seat.currency, locale),
        }
        for seat in order.held_seats
    ]


def sums(order: Order, vat_percent: Decimal, locale: str | None) -> list[dict[str, Any]]:
    words = papers.words(locale)
    found = []
    if order.discount:
        found.append(line(words["subtotal"], order.subtotal, order, locale))
        found.append(line(words["discount"], -order.discount, order, locale))
    return [
        *found,
        line(words["total"], order.total, order, locale, strong=True),
        *tax(order, order.total, vat_percent, locale),
    ]


def tax(order: Order, gross: int, percent: Decimal, locale: str | None) -> list[dict[str, Any]]:
    words = papers.words(locale)
    contained = pricing.vat(gross, percent)
    named = words["vat"].format(percent=papers.percentage(percent, locale))
    return [line(named, contained, order, locale), line(words["net"], gross - contained, order, locale)]


def payments(order: Order, refunds: Sequence[Refund], vat_percent: Decimal, locale: str | None) -> list[dict[str, Any]]:
    """Only what bought the seats: a payment that was merely sent back is none of this."""
    assert order.paid_at is not None, "what was not paid has no receipt"
    assert order.method is not None, "what was paid was paid somehow"
    words = papers.words(locale)
    paid_on = papers.short_date(order.paid_at, order.showtime["timezone"], locale)
    how = papers.method(order.method, locale)
    found = [line(words["paid"].format(date=paid_on, method=how), order.paid, order, locale)]
    back = [refund for refund in refunds if refund.sold and refund.status is not RefundStatus.FAILED]
    found += [line(of_refund(refund, order, locale), -refund.amount, order, locale) for refund in back]
    if back:
        kept = order.paid - sum(refund.amount for refund in back)
        found.append(line(words["kept"], kept, order, locale, strong=True))
        found += tax(order, kept, vat_percent, locale)
    return found


def of_refund(refund: Refund, order: Order, locale: str | None) -> str:
    words = papers.words(locale)
    to = papers.target(refund.to, locale)
    if refund.done_at is None:
        return words["refunding"].format(to=to)
    return words["refunded"].format(date=papers.short_date(refund.done_at, order.showtime["timezone"], locale), to=to)


def line(what: str, amount: int, order: Order, locale: str | None, *, strong: bool = False) -> dict[str, Any]:
    return {"what": what, "amount": wording.money(amount, order.currency, locale), "strong": strong}


def render(paper: str, values: Mapping[str, Any]) -> bytes:
    compiler = typst.Compiler(layout(paper), font_paths=fonts(), ignore_system_fonts=True)
    rendered = compiler.compile(format="pdf", sys_inputs={"data": json.dumps(values)}, timestamp=0)
    assert isinstance(rendered, bytes), "a PDF is one file"
    return rendered


@cache
def layout(paper: str) -> bytes:
    return (PAPERS / f"{paper}.typ").read_bytes()


@cache
def fonts() -> typst.Fonts:
    """Opened once: a few milliseconds, and some 30 MB from the first document on."""
    return typst.Fonts()
