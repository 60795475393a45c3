"""Stripe's events: stored first and answered, then worked on from the table, in any order and however often they come.

Webhooks bring most of them. What a webhook lost, `reconciliation` asks for.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.shared.db import Sessions, fire_after_commit
from services.shared.errors import is_outage
from services.shared.jobs import Work
from services.ticketing.booking import disputes, intents, refunding
from services.ticketing.commands import ledger, refunds, topups
from services.ticketing.errors import OrderNotFound
from services.ticketing.models import (
    Intent,
    IntentStatus,
    Method,
    Order,
    RefundCause,
    StripeEvent,
)
from services.ticketing.queries import money, orders
from services.ticketing.saga import MoneyWithoutStep
from services.ticketing.seen import SeenIntent, seen_intent, seen_refund

SIGNAL = "stripe_events"
AT_ONCE = 100
# A payment for a booking that we have not heard of is kept and tried again, and sent back after 10 minutes.
UNKNOWN_FOR = timedelta(minutes=10)
LONGEST_PAUSE = timedelta(minutes=1)
TRIES = 30

FAILED = "payment_intent.payment_failed"
TYPES = [
    *("payment_intent.processing", "payment_intent.succeeded", "payment_intent.canceled", FAILED),
    *("refund.created", "refund.updated", "refund.failed"),
    *("charge.dispute.created", "charge.dispute.closed"),
]

log = structlog.get_logger()


class UnknownBooking(Exception):
    """A payment for a booking whose SeatHeld may still be on its way."""


async def receive(session: AsyncSession, event: Mapping[str, Any]) -> None:
    """Keep an event to work on; one that is here already changes nothing."""
    if event["type"] not in TYPES:
        return
    created = datetime.fromtimestamp(event["created"], UTC)
    row = insert(StripeEvent).values(id=event["id"], type=event["type"], created=created, payload=event)
    await session.execute(row.on_conflict_do_nothing(index_elements=[StripeEvent.id]))
    fire_after_commit(session, SIGNAL)


async def process(work: Work) -> None:
    """Work on what is due, each event in a transaction of its own."""
    while True:
        ids = await due(work.sessions)
        for event_id in ids:
            await process_one(work.sessions, event_id)
        if len(ids) < AT_ONCE:
            return


async def due(transactions: Sessions) -> list[str]:
    async with transactions.begin() as session:
        waiting = select(StripeEvent.id).where(*is_due()).order_by(StripeEvent.created).limit(AT_ONCE)
        return list(await session.scalars(waiting))


def is_due() -> tuple[Any, ...]:
    return StripeEvent.handled_at.is_(None), StripeEvent.failed_at.is_(None), StripeEvent.next_at <= func.now()


async def process_one(transactions: Sessions, event_id: str) -> None:
    try:
        async with transactions.begin() as session:
            mine = select(StripeEvent).where(StripeEvent.id == event_id, *is_due())
            event = await session.scalar(mine.with_for_update(skip_locked=True))
            if event is not None:
                await handle(session, event)
                event.handled_at = func.now()
    except Exception as error:
        if is_outage(error):
            raise
        await put_off(transactions, event_id, error)


async def put_off(transactions: Sessions, event_id: str, error: Exception) -> None:
    """Try again later, or leave it to a person where that is useless."""
    async with transactions.begin() as session:
        event = await session.get_one(StripeEvent, event_id, with_for_update=True)
        event.tries += 1
        event.error = f"{type(error).__name__}: {error}"[:500]
        event.next_at = func.now() + min(timedelta(seconds=2 ** min(event.tries, 10)), LONGEST_PAUSE)
        hopeless = isinstance(error, intents.Mismatch | topups.TopUpMismatch | MoneyWithoutStep)
        if hopeless or event.tries >= TRIES:
            event.failed_at = func.now()
    report = log.info if isinstance(error, UnknownBooking) else log.error
    report("stripe event not handled", event_id=event_id, tries=event.tries, error=event.error)


async def handle(session: AsyncSession, event: StripeEvent) -> None:
    subject = event.payload["data"]["object"]
    if event.type.startswith("payment_intent."):
        await intent_changed(session, event, seen_intent(subject, event.created))
    elif event.type.startswith("refund."):
        seen = seen_refund(subject)
        if "refund" in seen.metadata:  # one made in Stripe's dashboard is none of ours
            await refunding.take_over(session, seen, UUID(seen.metadata["refund"]), event.id)
    else:
        await disputes.take_over(session, subject, event.id)


async def intent_changed(session: AsyncSession, event: StripeEvent, seen: SeenIntent) -> None:
    failed = event.type == FAILED
    if seen.metadata.get("kind") == topups.KIND:
        await topup_changed(session, seen, failed=failed)
        return
    if "booking_id" not in seen.metadata:
        log.warning("payment without a booking", intent=seen.id)
        return
    booking_id = UUID(seen.metadata["booking_id"])
    try:
        order = await orders.locked(session, booking_id)
    except OrderNotFound:
        await unknown_booking(session, booking_id, seen)
        return
    intent = await known(session, seen) or await adopted(session, order, seen)
    if intent is not None:
        await intents.apply(session, order, intent, seen, event.id, failed=failed)


async def topup_changed(session: AsyncSession, seen: SeenIntent, *, failed: bool) -> None:
    if seen.status is IntentStatus.SUCCEEDED:
        await topups.topup_paid(session, seen)
    elif failed:
        await topups.topup_failed(session, seen)


async def known(session: AsyncSession, seen: SeenIntent) -> Intent | None:
    """Our row: by Stripe's id, or by our own where the crash came before Stripe's was stored."""
    row = await session.scalar(select(Intent).where(Intent.stripe_id == seen.id))
    if row is None and "attempt" in seen.metadata:
        row = await session.get(Intent, UUID(seen.metadata["attempt"]))
    return row if row is not None and row.stripe_id in (None, seen.id) else None


async def adopted(session: AsyncSession, order: Order, seen: SeenIntent) -> Intent | None:
    """A row for a payment of this booking that we have no memory of, if it brought money; it is the truth."""
    if seen.status is not IntentStatus.SUCCEEDED:
        return None
    log.error("payment without a row", booking_id=str(order.booking_id), intent=seen.id)
    return await remember(session, order.booking_id, seen, IntentStatus.CANCELED)


async def remember(session: AsyncSession, booking_id: UUID, seen: SeenIntent, status: IntentStatus) -> Intent:
    intent = Intent(
        booking_id=booking_id,
        number=await money.next_number(session, Intent, booking_id),
        amount=seen.amount,
        currency=seen.currency,
        status=status,
        stripe_id=seen.id,
    )
    session.add(intent)
    await session.flush()
    return intent


async def unknown_booking(session: AsyncSession, booking_id: UUID, seen: SeenIntent) -> None:
    """Raises UnknownBooking while it may still become known."""
    if seen.status is not IntentStatus.SUCCEEDED or await known(session, seen):
        return
    if datetime.now(UTC) - seen.at < UNKNOWN_FOR:
        raise UnknownBooking(f"{booking_id}: {seen.id}")
    log.error("payment of an unknown booking sent back", booking_id=str(booking_id), intent=seen.id)
    intent = await remember(session, booking_id, seen, IntentStatus.SUCCEEDED)
    await ledger.received(session, booking_id, seen.id, seen.amount, seen.currency, Method.CARD)
    await refunds.of_intent(session, intent, RefundCause.LATE, settles=False)
