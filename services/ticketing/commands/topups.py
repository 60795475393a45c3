"""Coins bought by card: a payment of their own, apart from any booking, and credited by the provider's word only."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.shared.auth import Principal
from services.shared.db import Sessions, settings_of
from services.shared.errors import ValidationFailed
from services.shared.ids import new_id
from services.ticketing.commands import ledger, wallet
from services.ticketing.errors import GuestsHaveNoWallet
from services.ticketing.models import Account, CoinReason, TopUp, TopUpStatus
from services.ticketing.payments import Payments
from services.ticketing.seen import SeenIntent

KIND = "topup"


class TopUpMismatch(Exception):
    """A payment that says it is for a top-up, and is not the one we asked for: a matter for a person."""


@dataclass(frozen=True)
class Started:
    """`payment.client_secret` is what the browser pays with."""

    topup_id: UUID
    amount: int
    currency: str
    coins: int
    payment: SeenIntent


async def start(transactions: Sessions, payments: Payments, user: Principal, amount: int) -> Started:
    """Begin to buy coins for `amount` minor units. Raises GuestsHaveNoWallet, ValidationFailed, PaymentsAway.

    The intent is stored before its secret leaves, so nobody can pay for a top-up that we do not know.
    """
    if user.is_guest:
        raise GuestsHaveNoWallet
    async with transactions.begin() as session:
        topup = await open_topup(session, user.id, amount)
    metadata = {"kind": KIND, "topup_id": str(topup.id)}
    key = f"{topup.id}:create:1"
    intent = await payments.create_intent(key, topup.amount, topup.currency, metadata, topup.created_at)
    async with transactions.begin() as session:
        (await session.get_one(TopUp, topup.id)).intent_id = intent.id
    return Started(topup.id, topup.amount, topup.currency, topup.coins, intent)


async def open_topup(session: AsyncSession, user_id: UUID, amount: int) -> TopUp:
    """Raises ValidationFailed unless the money is worth whole coins."""
    settings = settings_of(session)
    coins, rest = divmod(amount, settings.coin_value)
    if rest:
        message = f"Must be a multiple of {settings.coin_value}, the value of a coin."
        raise ValidationFailed(errors=[{"pointer": "/body/amount", "message": message}])
    topup = TopUp(id=new_id(), user_id=user_id, amount=amount, currency=settings.currency, coins=coins)
    session.add(topup)
    await session.flush()
    await session.refresh(topup)
    return topup


async def topup_paid(session: AsyncSession, intent: SeenIntent) -> None:
    """Credit the coins, however often and late the provider says so. Raises TopUpMismatch."""
    topup = await find(session, intent)
    if (topup.amount, topup.currency) != (intent.amount, intent.currency):
        raise TopUpMismatch(f"{intent.id}: {intent.amount} {intent.currency} for top-up {topup.id}")
    if topup.status == TopUpStatus.PAID:
        return
    topup.status, topup.paid_at, topup.failure = TopUpStatus.PAID, func.now(), None
    await wallet.credit(session, topup.user_id, topup.coins, CoinReason.TOPUP, str(topup.id))
    sides = {Account.CLEARING: topup.amount, Account.COINS: -topup.amount}
    await ledger.record(session, None, f"topup:{topup.id}", topup.currency, sides)


async def topup_failed(session: AsyncSession, intent: SeenIntent) -> None:
    """Note why a try failed; the same intent may be tried again and succeed. Raises TopUpMismatch."""
    topup = await find(session, intent)
    if topup.status != TopUpStatus.PAID:
        topup.failure = intent.failure


async def find(session: AsyncSession, intent: SeenIntent) -> TopUp:
    """The top-up that a payment is for, locked."""
    query = select(TopUp).where(TopUp.id == UUID(intent.metadata["topup_id"])).with_for_update()
    topup = await session.scalar(query)
    if topup is None or topup.intent_id not in (None, intent.id):
        raise TopUpMismatch(f"{intent.id} is not the payment of a top-up of ours")
    topup.intent_id = intent.id
    return topup
