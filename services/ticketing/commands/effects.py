"""What the steps of the saga do beside changing the status. All within the step's transaction: none asks Stripe.

An effect returns True where nothing has to be waited for, so that the saga can go on at once.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.shared.db import fire_after_commit
from services.shared.events import PaymentAbandoned, PaymentFailed, PaymentStarted, PaymentSucceeded
from services.shared.messaging import publish
from services.ticketing import notices
from services.ticketing.commands import ledger, promos, refunds, tickets, timeline
from services.ticketing.commands.refunds import Wish
from services.ticketing.models import Intent, Method, Order, RefundCause, Ticket
from services.ticketing.queries import money
from services.ticketing.wording import Happening

CLOSING_SIGNAL = "closing"


@dataclass(frozen=True)
class Occasion:
    """What a trigger brings along: who or what caused it, and what the step needs."""

    cause: str = "clock"
    intent: Intent | None = None
    method: Method | None = None
    tickets: list[Ticket] = field(default_factory=list)
    replaced: dict[str, str] = field(default_factory=dict)
    seat_nos: tuple[int, ...] | None = None
    wish: Wish | None = None
    why: str = ""


async def nothing(_: AsyncSession, __: Order, ___: Occasion) -> None:
    """Where the status says it all."""


async def open_order(session: AsyncSession, order: Order, _: Occasion) -> None:
    seats = [seat.label for seat in order.held_seats]
    timeline.add(session, order.booking_id, Happening.HELD, seats=seats, until=order.expires_at.isoformat())


async def start_payment(session: AsyncSession, order: Order, _: Occasion) -> None:
    order.method = Method.CARD
    publish(session, PaymentStarted(**ids(order)))
    timeline.add(session, order.booking_id, Happening.PAYMENT_STARTED)


async def let_try_again(session: AsyncSession, order: Order, occasion: Occasion) -> None:
    publish(session, PaymentFailed(**ids(order), reason=occasion.why))
    timeline.add(session, order.booking_id, Happening.PAYMENT_FAILED, reason=occasion.why)


async def sell(session: AsyncSession, order: Order, occasion: Occasion) -> None:
    """The money is there: the seats are to be sold."""
    order.method = occasion.method or Method.CARD
    order.intent_id = occasion.intent.id if occasion.intent else None
    order.paid = order.total
    order.paid_at = datetime.now(UTC)
    if occasion.intent is None:
        await ledger.received(
            session, order.booking_id, str(order.booking_id), order.paid, order.currency, order.method
        )
    await ledger.sold(session, order)
    ask_for_seats(session, order)
    facts = {"amount": order.paid, "currency": order.currency, "method": order.method}
    timeline.add(session, order.booking_id, Happening.PAID, **facts)


def ask_for_seats(session: AsyncSession, order: Order) -> None:
    """Reservations answers with SeatsSold or SeatsLost, however often it is asked."""
    publish(
        session,
        PaymentSucceeded(
            **ids(order),
            user_id=order.user_id,
            amount=order.paid,
            currency=order.currency,
            method=order.method or Method.CARD,
            seats=order.held_seats,
        ),
    )


async def sell_late(session: AsyncSession, order: Order, occasion: Occasion) -> None:
    """The seats may have gone: reservations takes the same ones again, or equal ones together, or says SeatsLost.

    The price stays, even if others have used up its promo code meanwhile.
    """
    await promos.use(session, order)
    await sell(session, order, occasion)
    timeline.add(session, order.booking_id, Happening.PAID_LATE)


async def begin_closing(session: AsyncSession, order: Order, _: Occasion) -> bool:
    """Nobody lets the seats go while a payment may still succeed."""
    intent = await money.live_intent(session, order.booking_id)
    if intent is None:
        return True
    intent.next_at = datetime.now(UTC)
    timeline.add(session, order.booking_id, Happening.CLOSING)
    fire_after_commit(session, CLOSING_SIGNAL)
    return False


async def expire(session: AsyncSession, order: Order, _: Occasion) -> None:
    await abandon(session, order)
    timeline.add(session, order.booking_id, Happening.EXPIRED)


async def end_unpaid(session: AsyncSession, order: Order, _: Occasion) -> None:
    await abandon(session, order)
    timeline.add(session, order.booking_id, Happening.CANCELLED)


async def send_back(session: AsyncSession, order: Order, occasion: Occasion) -> None:
    """A payment for an order that is closed; the seats go free as well."""
    assert occasion.intent is not None, "only a payment can come too late"
    await abandon(session, order)
    await refunds.of_intent(session, occasion.intent, RefundCause.LATE, settles=True)


async def send_extra_back(session: AsyncSession, _: Order, occasion: Occasion) -> None:
    """Nobody pays twice for one booking."""
    assert occasion.intent is not None, "only a payment can be one too many"
    await refunds.of_intent(session, occasion.intent, RefundCause.EXTRA, settles=False)


async def hand_over(session: AsyncSession, order: Order, occasion: Occasion) -> None:
    """The tickets stand in this transaction already: whether they can decides which step it is."""
    if occasion.replaced:
        timeline.add(session, order.booking_id, Happening.SEATS_REPLACED, replaced=occasion.replaced)
    timeline.add(session, order.booking_id, Happening.ISSUED, seats=[ticket.label for ticket in occasion.tickets])
    await notices.order_issued(session, order)


async def refund_all(session: AsyncSession, order: Order, occasion: Occasion) -> bool:
    """Tickets end, and all that is left of the price goes back. True if nothing was left."""
    assert occasion.wish is not None, "a refund has a cause"
    if occasion.wish.cause is RefundCause.SEATS_LOST:
        timeline.add(session, order.booking_id, Happening.SEATS_LOST)
    if occasion.wish.cause is RefundCause.SHOWTIME_CANCELLED:
        timeline.add(session, order.booking_id, Happening.SHOWTIME_CANCELLED, reason=occasion.wish.reason)
    await tickets.void(session, order.booking_id)
    refund = await refunds.of_sale(session, order, occasion.wish, settles=True)
    if occasion.wish.cause is RefundCause.SHOWTIME_CANCELLED:
        await notices.showtime_cancelled(session, order, refund, occasion.wish.reason)
    return refund is None


async def charge_back(session: AsyncSession, order: Order, occasion: Occasion) -> None:
    """The bank has taken the money back."""
    assert occasion.wish is not None, "a refund has a cause"
    await tickets.void(session, order.booking_id)
    await refunds.by_bank(session, order, occasion.wish, occasion.why)


async def refund_part(session: AsyncSession, order: Order, occasion: Occasion) -> None:
    """Some seats, or a sum as goodwill; the order stays as it is."""
    assert occasion.wish is not None, "a refund has a cause"
    if occasion.seat_nos is not None:
        await tickets.void(session, order.booking_id, occasion.seat_nos)
        timeline.add(session, order.booking_id, Happening.SEATS_CANCELLED, seats=list(occasion.wish.seats))
    await refunds.of_sale(session, order, occasion.wish, settles=False)


async def abandon(session: AsyncSession, order: Order) -> None:
    """It ends unpaid: the seats go free, and others may use its promo code."""
    await promos.give_back(session, order)
    publish(session, PaymentAbandoned(**ids(order), reason=order.closing or "late"))


def ids(order: Order) -> dict[str, object]:
    return {"booking_id": order.booking_id, "showtime_id": order.showtime_id, "version": order.version}
