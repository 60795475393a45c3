"""Tickets, statuses, messages: what is asked of bookings."""

# ruff: noqa: S608 - what is put together here are parts of our own

from collections.abc import Iterator, Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.shared.audit import Found, Values
from services.shared.db import settings_of
from services.ticketing import codes
from services.ticketing.audit.walks import untouched, within
from services.ticketing.models import Ticket, TicketStatus

CODES_AT_ONCE = 20

TWO_LIVE_TICKETS = f"""
    SELECT DISTINCT one.showtime_id || ' ' || one.label,
        format('seat %s has the live tickets %s and %s', one.label, least(one.id, other.id), greatest(one.id, other.id))
    FROM ticket AS one JOIN ticket AS other ON other.showtime_id = one.showtime_id AND other.seat_no = one.seat_no
        AND other.id <> one.id
    WHERE one.status <> 'void' AND other.status <> 'void' AND {within("one.booking_id")}
"""

TWO_TICKETS_OF_A_BOOKING = f"""
    SELECT booking_id, format('seat %s was issued %s times', label, count(*)) FROM ticket
    WHERE {within("booking_id")} GROUP BY booking_id, showtime_id, seat_no, label HAVING count(*) > 1
"""

# Seats that were given back keep their tickets, as void ones.
TICKETS_OF_ISSUED = f"""
    SELECT booking_id, format('sold are the seats %s, tickets there are for %s', sold, coalesce(ticketed, 'none'))
    FROM orders
    CROSS JOIN LATERAL (
        SELECT string_agg(DISTINCT seat ->> 'label', ', ') FROM jsonb_array_elements(seats) AS seat
    ) AS seat_list (sold)
    CROSS JOIN LATERAL (
        SELECT string_agg(DISTINCT label, ', ') FROM ticket WHERE ticket.booking_id = orders.booking_id
    ) AS ticket_list (ticketed)
    WHERE status = 'issued' AND {within("booking_id")} AND sold IS DISTINCT FROM ticketed
"""

LIVE_TICKETS_OF_OTHERS = f"""
    SELECT booking_id, format('ticket %s of seat %s lives, the order is %s',
        ticket.id, label, coalesce(orders.status, 'missing'))
    FROM ticket LEFT JOIN orders USING (booking_id)
    WHERE ticket.status <> 'void' AND orders.status IS DISTINCT FROM 'issued' AND {within("ticket.booking_id")}
"""

# A deadline of its own for each: for paying the customer's, and the grace for the provider to say that it has
# cancelled; for selling none but the dust.
PASSING = f"""
    SELECT booking_id, format('%s since %s, its time was up at %s', concat_ws(' closing ', status, closing),
        date_trunc('second', since), date_trunc('second', deadline))
    FROM (
        SELECT * FROM orders WHERE status IN ('paying', 'paid')
        UNION ALL SELECT * FROM orders WHERE status = 'awaiting_payment' AND closing IS NULL AND expires_at < now()
        UNION ALL SELECT * FROM orders WHERE status = 'awaiting_payment' AND closing <> '' AND {within("booking_id")}
    ) AS orders
    CROSS JOIN LATERAL (
        SELECT coalesce(max(at), created_at) FROM saga_log WHERE saga_log.booking_id = orders.booking_id
    ) AS step (since)
    CROSS JOIN LATERAL (SELECT CASE
        WHEN status = 'paid' THEN since
        WHEN closing IS NULL THEN expires_at
        ELSE greatest(expires_at, since) + :grace
    END) AS due (deadline)
    WHERE deadline < now() - :dust
"""

# A bank may take days, so a refund that the provider has is not ours to hurry.
REFUNDING = f"""
    SELECT booking_id, 'refunding, and nothing is on its way back' FROM orders
    WHERE status = 'refunding' AND {untouched("booking_id")} AND NOT EXISTS (
        SELECT FROM refund WHERE refund.booking_id = orders.booking_id AND refund.status = 'pending' AND settles)
    UNION ALL
    SELECT booking_id, format('refund %s of %s %s has not been asked for since %s', id, amount, currency,
        date_trunc('second', created_at))
    FROM refund WHERE status = 'pending' AND stripe_id IS NULL AND created_at < now() - :late
"""

UNHANDLED_STRIPE_EVENTS = """
    SELECT id, format('%s was given up on %s: %s', type, date_trunc('second', failed_at), error)
    FROM stripe_event WHERE failed_at IS NOT NULL AND handled_at IS NULL
"""

# By then it has failed for more than a minute.
UNWRITTEN_LETTERS = """
    SELECT booking_id, format('the letter %s could not be written %s times', cause, tries) FROM letter WHERE tries > 3
"""

HELD_WITHOUT_ORDER = f"""
    SELECT booking_id, 'its hold was heard of, and there is no order' FROM hold
    WHERE released IS NULL AND {within("booking_id")}
    AND NOT EXISTS (SELECT FROM orders WHERE orders.booking_id = hold.booking_id)
"""

OTHER_THAN_ITS_STEPS = f"""
    SELECT booking_id, format('is %s, its steps have led to %s', concat_ws(' closing ', status, closing),
        coalesce(to_state, 'nothing'))
    FROM orders
    LEFT JOIN (
        SELECT DISTINCT ON (booking_id) booking_id, to_state FROM saga_log WHERE {within("booking_id")}
        ORDER BY booking_id, id DESC
    ) AS step USING (booking_id)
    WHERE {within("booking_id")} AND to_state IS DISTINCT FROM CASE
        WHEN closing IS NULL OR status IN ('expired', 'cancelled') THEN status
        WHEN closing IN ('deadline', 'grace') THEN 'closing_' || closing
        ELSE 'closing'
    END
"""

# A step that a message has caused says so as `SeatsSold <id>`.
STEPS_TAKEN_TWICE = f"""
    SELECT booking_id, format('%s caused %s %s times', cause, trigger, count(*)) FROM saga_log
    WHERE {within("booking_id")} AND cause ~ '^Seats?(Held|Sold|Lost|Released) '
    GROUP BY booking_id, trigger, cause HAVING count(*) > 1
"""

WELCOMED_TWICE = f"""
    SELECT user_id, format('was given welcome coins %s times', count(*)) FROM wallet_entry
    WHERE reason = 'welcome' AND {within("user_id")} GROUP BY user_id HAVING count(*) > 1
"""


async def unreadable_codes(session: AsyncSession, _: Values) -> Found:
    """Codes are signed when asked for, so this asks of the newest tickets whether a door could read theirs."""
    newest = select(Ticket).where(Ticket.status != TicketStatus.VOID).order_by(Ticket.id.desc()).limit(CODES_AT_ONCE)
    return list(misread(session, (await session.scalars(newest)).all()))


def misread(session: AsyncSession, tickets: Sequence[Ticket]) -> Iterator[tuple[str, str]]:
    settings = settings_of(session)
    for ticket in tickets:
        try:
            claims = codes.read(settings, codes.sign(settings, ticket))
        except codes.UnreadableCode:
            yield str(ticket.booking_id), f"the code of ticket {ticket.id} does not verify"
            continue
        if claims.ticket_id != ticket.id:
            yield str(ticket.booking_id), f"the code of ticket {ticket.id} is that of {claims.ticket_id}"
