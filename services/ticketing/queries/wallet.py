"""What a user has in coins, and how it came to be."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.ticketing.models import Wallet, WalletEntry


@dataclass(frozen=True)
class Statement:
    balance: int
    entries: Sequence[WalletEntry]


async def statement(session: AsyncSession, user_id: UUID) -> Statement:
    """The user's coins, newest entry first. Somebody without a wallet has none."""
    wallet = await session.get(Wallet, user_id)
    query = select(WalletEntry).where(WalletEntry.user_id == user_id).order_by(WalletEntry.id.desc())
    return Statement(wallet.balance if wallet else 0, (await session.scalars(query)).all())
