"""PaymentIntents: asked for, cancelled, and what is seen of them turned into steps of the saga.

A row stands before Stripe is asked, and each question has an idempotency key of its own, so that whoever comes next
(a retry of the customer, a job, another replica) asks the same question and gets the same intent.
"""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.shared.db import Sessions, fire_after_commit, settings_of
from services.shared.errors import ServiceUnavailable
from services.ticketing.commands import ledger, promos
from services.ticketing.commands.effects import CLOSING_SIGNAL, Occasion
from services.ticketing.errors import AmountTooSmall
from services.ticketing.models import FINAL, Intent, IntentStatus, Method, Order
from services.ticketing.payments import PaymentRefused, Payments, PaymentsAway, is_live
from services.ticketing.queries import money, orders
from services.ticketing.saga import Trigger, advance
from services.ticketing.seen import SeenIntent

PROCESSING_AGAIN = timedelta(seconds=5)

TRIGGERS = {
    IntentStatus.PROCESSING: Trigger.PAYMENT_PROCESSING,
    IntentStatus.CANCELED: Trigger.PAYMENT_GONE,
    IntentStatus.SUCCEEDED: Trigger.PAYMENT_SUCCEEDED,
}

log = structlog.get_logger()


class Mismatch(Exception):
    """What Stripe says is not what we asked for: for a person, nothing is done about it."""


async def wanted(session: AsyncSession, order: Order) -> Intent:
    """The order's live attempt, or a new one. The order is locked."""
    live = await money.live_intent(session, order.booking_id)
    if live is not None:
        return live
    intent = Intent(
        booking_id=order.booking_id,
        number=await money.next_number(session, Intent, order.booking_id),
        amount=order.total,
        promo_id=order.promo_id,
        currency=order.currency,
    )
    session.add(intent)
    await session.flush()
    return intent


def key(intent: Intent, step: str) -> str:
    return f"{intent.booking_id}:{step}:{intent.number}.{intent.key_number}"


async def ensure_created(transactions: Sessions, payments: Payments, intent: Intent, cause: str) -> Intent:
    """The intent with Stripe's id and client secret stored. Raises AmountTooSmall, PaymentsAway, ServiceUnavailable."""
    if intent.stripe_id is not None:
        return intent
    metadata = {"booking_id": str(intent.booking_id), "attempt": str(intent.id)}
    try:
        seen = await payments.create_intent(
            key(intent, "create"), intent.amount, intent.currency, metadata, intent.created_at
        )
    except PaymentsAway as away:
        await spend_key(transactions, intent, away)
        raise
    except PaymentRefused as refused:
        await give_up(transactions, intent, refused)
        raise refusal(refused) from refused
    return await note(transactions, intent.id, seen, cause)


async def cancel(transactions: Sessions, payments: Payments, intent: Intent, cause: str) -> Intent:
    """Cancel it at Stripe, if that is still possible; returns it as it is then. Raises PaymentsAway."""
    intent = await ensure_created(transactions, payments, intent, cause)
    assert intent.stripe_id is not None, "ensure_created() has just stored it"
    if not intent.is_live:
        return intent
    try:
        seen = await payments.cancel_intent(key(intent, "cancel"), intent.stripe_id)
    except PaymentsAway as away:
        await spend_key(transactions, intent, away)
        raise
    return await note(transactions, intent.id, seen, cause)


async def note(transactions: Sessions, intent_id: UUID, seen: SeenIntent, cause: str) -> Intent:
    """Store Stripe's answer and take the step it calls for."""
    async with transactions.begin() as session:
        booking_id = await session.scalar(select(Intent.booking_id).where(Intent.id == intent_id))
        assert booking_id is not None, "intents are never deleted"
        order = await orders.locked(session, booking_id)
        intent = await session.get_one(Intent, intent_id)
        await apply(session, order, intent, seen, cause)
        return intent


async def apply(
    session: AsyncSession, order: Order, intent: Intent, seen: SeenIntent, cause: str, *, failed: bool = False
) -> None:
    """Take over what was seen of `intent`, once: final states never go back, and older news is no news.

    `failed`: what was seen is that a try failed. The order is locked. Raises Mismatch, MoneyWithoutStep.
    """
    check(session, order, intent, seen)
    if intent.stripe_id is None:
        intent.stripe_id, intent.client_secret = seen.id, seen.client_secret
    if not is_news(intent, seen):
        return
    intent.status, intent.seen_at = seen.status, seen.at
    intent.failure = seen.failure if failed else None
    if seen.status is IntentStatus.SUCCEEDED:
        await keep_price(session, order, intent, seen.amount)
        await ledger.received(session, intent.booking_id, seen.id, seen.amount, seen.currency, Method.CARD)
    trigger = Trigger.PAYMENT_FAILED if failed else TRIGGERS.get(seen.status)
    if trigger is not None:
        await advance(session, order, trigger, Occasion(cause=cause, intent=intent, why=seen.failure or ""))
    if intent.is_live and order.closing is not None:
        wait = PROCESSING_AGAIN if seen.status is IntentStatus.PROCESSING else timedelta(0)
        intent.next_at = datetime.now(UTC) + wait
        fire_after_commit(session, CLOSING_SIGNAL)


def is_news(intent: Intent, seen: SeenIntent) -> bool:
    if intent.status in FINAL:
        # Cancelled is only final as far as we know; money is believed whenever it comes.
        return intent.status is IntentStatus.CANCELED and seen.status is IntentStatus.SUCCEEDED
    return seen.status in FINAL or intent.seen_at is None or seen.at >= intent.seen_at


def check(session: AsyncSession, order: Order, intent: Intent, seen: SeenIntent) -> None:
    """Raises Mismatch. The amount matters once it is charged: older news may tell of an older one."""
    ours = (intent.currency, is_live(settings_of(session)), intent.stripe_id or seen.id)
    theirs = (seen.currency, seen.livemode, seen.id)
    known = (intent.amount, order.total)
    if ours != theirs or (seen.status is IntentStatus.SUCCEEDED and seen.amount not in known):
        raise Mismatch(f"intent {intent.id}: {theirs}, {seen.amount} instead of {ours}, {known}")


async def keep_price(session: AsyncSession, order: Order, intent: Intent, charged: int) -> None:
    """What was charged is the price: where the order came to cost something else too late, it costs that no more."""
    if charged == order.total:
        intent.amount, intent.promo_id = charged, order.promo_id
    elif order.paid_at is None:
        await promos.restore(session, order, intent.promo_id, charged)


async def spend_key(transactions: Sessions, intent: Intent, away: PaymentsAway) -> None:
    """Stripe answered this key with a failure of its own and would do so for ever: the next try needs a new one."""
    if away.key_spent:
        async with transactions.begin() as session:
            stored = await session.get_one(Intent, intent.id, with_for_update=True)
            stored.key_number = max(stored.key_number, intent.key_number + 1)


async def give_up(transactions: Sessions, intent: Intent, refused: PaymentRefused) -> None:
    """Stripe will not have such an intent: there is none, and none will come."""
    log.error("payment refused", booking_id=str(intent.booking_id), code=refused.code, error=str(refused))
    async with transactions.begin() as session:
        order = await orders.locked(session, intent.booking_id)
        stored = await session.get_one(Intent, intent.id)
        if stored.status is not IntentStatus.CREATING:
            return
        stored.status, stored.failure = IntentStatus.CANCELED, refused.code
        await advance(session, order, Trigger.PAYMENT_GONE, Occasion(cause="stripe", intent=stored))


def refusal(refused: PaymentRefused) -> AmountTooSmall | ServiceUnavailable:
    if refused.code == "amount_too_small":
        return AmountTooSmall()
    return ServiceUnavailable("Card payments are not possible at the moment. Nothing was charged.")
