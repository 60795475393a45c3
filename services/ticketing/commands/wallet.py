"""Coins in and out. The wallet's row lock puts a user's spending in a queue; the entries say why."""

from uuid import UUID

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.shared.db import settings_of
from services.shared.ids import new_id
from services.ticketing.commands import ledger
from services.ticketing.errors import NotEnoughCoins
from services.ticketing.models import Account, CoinReason, Wallet, WalletEntry


def coins_for(amount: int, coin_value: int) -> int:
    """The price in coins of `amount` minor units, rounded up."""
    return -(-amount // coin_value)


async def credit(session: AsyncSession, user_id: UUID, coins: int, reason: CoinReason, reference: str) -> None:
    """Give coins; a second time for the same reason and reference changes nothing."""
    if not await enter(session, user_id, coins, reason, reference):
        return
    given = insert(Wallet).values(user_id=user_id, balance=coins)
    more = {"balance": Wallet.balance + given.excluded.balance}
    await session.execute(given.on_conflict_do_update(index_elements=[Wallet.user_id], set_=more))


async def spend(session: AsyncSession, user_id: UUID, coins: int, booking_id: UUID) -> None:
    """Take coins for a booking; a second time for the same booking changes nothing. Raises NotEnoughCoins."""
    if not await enter(session, user_id, -coins, CoinReason.PURCHASE, str(booking_id)):
        return
    enough = update(Wallet).where(Wallet.user_id == user_id, Wallet.balance >= coins)
    taken = enough.values(balance=Wallet.balance - coins).returning(Wallet.balance)
    if await session.scalar(taken) is None:
        wallet = await session.get(Wallet, user_id)
        raise NotEnoughCoins(balance=wallet.balance if wallet else 0, needed=coins)


async def welcome(session: AsyncSession, user_id: UUID) -> None:
    """The coins of a verified mail address, once in a life. They are ours to give: a promotion in the books."""
    settings = settings_of(session)
    if not settings.welcome_coins:
        return
    await credit(session, user_id, settings.welcome_coins, CoinReason.WELCOME, str(user_id))
    worth = settings.welcome_coins * settings.coin_value
    sides = {Account.PROMOTION: worth, Account.COINS: -worth}
    await ledger.record(session, None, f"welcome:{user_id}", settings.currency, sides)


async def enter(session: AsyncSession, user_id: UUID, amount: int, reason: CoinReason, reference: str) -> bool:
    """Append an entry; False if it stands there already. Waits for a transaction that is just writing the same."""
    entry = insert(WalletEntry).values(id=new_id(), user_id=user_id, amount=amount, reason=reason, reference=reference)
    new = entry.on_conflict_do_nothing(index_elements=[WalletEntry.reason, WalletEntry.reference])
    return await session.scalar(new.returning(WalletEntry.id)) is not None
