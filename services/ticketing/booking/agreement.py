"""What an order costs and what Stripe is about to charge, brought together after a promo code has changed the one.

The order's price changes first, then Stripe is asked to follow. A payment that is confirmed before it has followed
charges the old price, and then the order costs that again (`intents.keep_price`): nobody is charged another amount
than their order's total. Until Stripe has followed, the price is not changed once more, so there are never more than
two to choose from.
"""

from services.shared.db import Sessions
from services.ticketing.booking import intents
from services.ticketing.commands import promos
from services.ticketing.errors import OrderInProgress
from services.ticketing.models import Intent, IntentStatus
from services.ticketing.payments import SMALLEST_CHARGE, PaymentRefused, Payments, PaymentsAway
from services.ticketing.queries import orders
from services.ticketing.seen import SeenIntent


async def ensure_agreed(transactions: Sessions, payments: Payments, intent: Intent, cause: str) -> None:
    """Have Stripe charge what the order costs now; nothing, where that is less than it would charge.

    Raises OrderInProgress while the bank decides about the old price, which stays then; AmountTooSmall, PaymentsAway,
    ServiceUnavailable.
    """
    await intents.ensure_created(transactions, payments, intent, cause)
    async with transactions.begin() as session:
        total = (await orders.locked(session, intent.booking_id)).total
        asked = await session.get_one(Intent, intent.id)
    if not asked.is_live or asked.amount == total:
        return
    if total < SMALLEST_CHARGE:
        is_under_way = (await intents.cancel(transactions, payments, asked, cause)).is_live
    else:
        seen = await update(transactions, payments, asked, total)
        await follow(transactions, asked, seen, cause)
        is_under_way = seen.status is IntentStatus.PROCESSING and seen.amount != total
    if is_under_way:
        await keep_old_price(transactions, asked)
        raise OrderInProgress("A card payment at the old price is just being processed. Please try again in a moment.")


async def update(transactions: Sessions, payments: Payments, intent: Intent, total: int) -> SeenIntent:
    assert intent.stripe_id is not None, "ensure_created() has stored it"
    try:
        return await payments.update_intent(intents.key(intent, "update"), intent.stripe_id, total)
    except PaymentsAway as away:
        await intents.spend_key(transactions, intent, away)
        raise
    except PaymentRefused as refused:
        raise intents.refusal(refused) from refused


async def follow(transactions: Sessions, asked: Intent, seen: SeenIntent, cause: str) -> None:
    """Store what Stripe charges now, unless it has been asked for something else meanwhile."""
    async with transactions.begin() as session:
        order = await orders.locked(session, asked.booking_id)
        intent = await session.get_one(Intent, asked.id)
        if intent.key_number == asked.key_number and intent.is_live and seen.amount == order.total:
            intent.amount, intent.promo_id = order.total, order.promo_id
        await intents.apply(session, order, intent, seen, cause)


async def keep_old_price(transactions: Sessions, asked: Intent) -> None:
    async with transactions.begin() as session:
        order = await orders.locked(session, asked.booking_id)
        intent = await session.get_one(Intent, asked.id)
        if intent.key_number == asked.key_number and intent.is_live and intent.amount != order.total:
            await promos.restore(session, order, intent.promo_id, intent.amount)
