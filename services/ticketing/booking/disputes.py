"""Payments that cardholders call back at their bank: the tickets are frozen until it has decided.

A lost dispute is a refund that the bank has made (https://docs.stripe.com/disputes/how-disputes-work).
"""

from collections.abc import Mapping
from typing import Any

import structlog
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.shared.db import fire_after_commit
from services.ticketing.commands import tickets, timeline
from services.ticketing.commands.effects import Occasion
from services.ticketing.commands.refunds import Wish
from services.ticketing.models import Dispute, DisputeStatus, Intent, Order, OrderStatus, RefundCause
from services.ticketing.queries import orders
from services.ticketing.saga import Trigger, advance
from services.ticketing.wording import Happening

# Whatever else Stripe says of one, it is still open.
ENDS = {
    "won": DisputeStatus.CLOSED,
    "warning_closed": DisputeStatus.CLOSED,
    "prevented": DisputeStatus.CLOSED,
    "lost": DisputeStatus.LOST,
}

log = structlog.get_logger()


class NotIssuedYet(Exception):
    """A dispute was lost whose booking is still waiting for its tickets; it ends once they are there."""


async def take_over(session: AsyncSession, seen: Mapping[str, Any], cause: str) -> None:
    """What Stripe says of a dispute, in whatever order it says it. Raises OrderNotFound, NotIssuedYet."""
    intent = await session.scalar(select(Intent).where(Intent.stripe_id == seen["payment_intent"]))
    status = ENDS.get(seen["status"], DisputeStatus.OPEN)
    log.error("payment disputed", intent=seen["payment_intent"], reason=seen["reason"], status=seen["status"])
    if intent is None:
        return  # that of a top-up: whether its coins can be taken back is for a person
    order = await orders.locked(session, intent.booking_id)
    dispute = await session.get(Dispute, seen["id"])
    if dispute is None:
        dispute = opened(intent, seen)
        session.add(dispute)
        if status is DisputeStatus.OPEN:
            await freeze(session, order)
    if dispute.status is DisputeStatus.OPEN and status is not DisputeStatus.OPEN:
        dispute.status, dispute.ended_at = status, func.now()
        await end(session, order, dispute, cause)


def opened(intent: Intent, seen: Mapping[str, Any]) -> Dispute:
    return Dispute(
        id=seen["id"],
        booking_id=intent.booking_id,
        intent_id=intent.id,
        amount=seen["amount"],
        currency=seen["currency"].upper(),
        reason=seen["reason"],
        status=DisputeStatus.OPEN,
    )


async def freeze(session: AsyncSession, order: Order) -> None:
    order.disputed_at = func.now()
    await tickets.freeze(session, order.booking_id)
    tell(session, order, Happening.DISPUTED)


async def end(session: AsyncSession, order: Order, dispute: Dispute, cause: str) -> None:
    if dispute.status is DisputeStatus.CLOSED:
        order.disputed_at = None
        await tickets.thaw(session, order.booking_id)
        tell(session, order, Happening.DISPUTE_CLOSED)
        return
    if order.status is OrderStatus.PAID:
        raise NotIssuedYet(f"{dispute.id}: the order is {order.status}")
    tell(session, order, Happening.DISPUTE_LOST, amount=dispute.amount, currency=dispute.currency)
    wish = Wish(RefundCause.DISPUTE, amount=dispute.amount)
    await advance(session, order, Trigger.DISPUTE_LOST, Occasion(cause=cause, wish=wish, why=dispute.id))


def tell(session: AsyncSession, order: Order, kind: Happening, **facts: Any) -> None:
    timeline.add(session, order.booking_id, kind, **facts)
    order.version += 1
    fire_after_commit(session, order.booking_id)
