import asyncio
from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import select

from services.shared.auth import Role
from services.shared.ids import new_id
from services.shared.testing import caller
from services.ticketing.commands import wallet
from services.ticketing.errors import NotEnoughCoins
from services.ticketing.models import Account, CoinReason, LedgerEntry, Wallet
from services.ticketing.queries.wallet import statement
from services.ticketing.tests.facts import sessions_of


async def balance(app: FastAPI, user_id: UUID) -> int:
    async with sessions_of(app).begin() as session:
        found = await statement(session, user_id)
        assert found.balance == sum(entry.amount for entry in found.entries)
        return found.balance


async def give(app: FastAPI, user_id: UUID, coins: int, reference: str = "once") -> None:
    async with sessions_of(app).begin() as session:
        await wallet.credit(session, user_id, coins, CoinReason.REFUND, f"{user_id}:{reference}")


async def buy(app: FastAPI, user_id: UUID, coins: int, booking_id: UUID) -> None:
    async with sessions_of(app).begin() as session:
        await wallet.spend(session, user_id, coins, booking_id)


@pytest.mark.parametrize(("amount", "coins"), [(0, 0), (1, 1), (10, 1), (11, 2), (1250, 125), (1251, 126)])
def test_prices_in_coins_round_up(amount: int, coins: int) -> None:
    assert wallet.coins_for(amount, 10) == coins


async def test_coins_come_and_go_and_each_has_its_entry(app: FastAPI) -> None:
    user_id, booking_id = new_id(), new_id()
    await give(app, user_id, 300)
    await buy(app, user_id, 120, booking_id)
    answer = await caller(app, Role.customer, user_id).get("/api/ticketing/wallet")
    assert answer.status_code == 200
    assert answer.json()["balance"] == 180
    entries = answer.json()["entries"]
    assert [(entry["amount"], entry["reason"]) for entry in entries] == [(-120, "purchase"), (300, "refund")]
    assert entries[0]["reference"] == str(booking_id)


async def test_the_same_cause_moves_coins_once(app: FastAPI) -> None:
    user_id, booking_id = new_id(), new_id()
    for _ in range(2):
        await give(app, user_id, 300)
        await buy(app, user_id, 120, booking_id)
    assert await balance(app, user_id) == 180


async def test_nobody_spends_more_than_there_is(app: FastAPI) -> None:
    user_id = new_id()
    await give(app, user_id, 100)
    with pytest.raises(NotEnoughCoins) as refused:
        await buy(app, user_id, 101, new_id())
    assert refused.value.fields == {"balance": 100, "needed": 101}
    with pytest.raises(NotEnoughCoins):
        await buy(app, new_id(), 1, new_id())
    assert await balance(app, user_id) == 100


async def test_of_twenty_simultaneous_purchases_only_those_that_are_covered_succeed(app: FastAPI) -> None:
    user_id = new_id()
    await give(app, user_id, 300)
    results = await asyncio.gather(*(buy(app, user_id, 100, new_id()) for _ in range(20)), return_exceptions=True)
    assert sum(result is None for result in results) == 3
    assert all(result is None or isinstance(result, NotEnoughCoins) for result in results)
    assert await balance(app, user_id) == 0


async def test_simultaneous_credits_for_one_cause_count_once(app: FastAPI) -> None:
    user_id = new_id()
    await asyncio.gather(*(give(app, user_id, 50) for _ in range(10)))
    await asyncio.gather(*(give(app, user_id, 1, str(number)) for number in range(10)))
    assert await balance(app, user_id) == 60


async def test_the_welcome_is_given_once_and_stands_in_the_books(app: FastAPI) -> None:
    user_id = new_id()
    for _ in range(2):
        async with sessions_of(app).begin() as session:
            await wallet.welcome(session, user_id)
    assert await balance(app, user_id) == 500
    async with sessions_of(app).begin() as session:
        rows = await session.execute(select(LedgerEntry.account, LedgerEntry.amount).order_by(LedgerEntry.account))
        assert [tuple(row) for row in rows] == [(Account.COINS, -5000), (Account.PROMOTION, 5000)]


async def test_no_welcome_where_none_is_set(app: FastAPI) -> None:
    user_id = new_id()
    sessions = sessions_of(app)
    sessions.settings = sessions.settings.model_copy(update={"welcome_coins": 0})
    async with sessions.begin() as session:
        await wallet.welcome(session, user_id)
        assert await session.get(Wallet, user_id) is None


async def test_everybody_has_a_wallet_of_their_own(app: FastAPI) -> None:
    await give(app, new_id(), 300)
    answer = await caller(app, Role.admin).get("/api/ticketing/wallet")
    assert answer.json() == {"balance": 0, "entries": []}
    assert (await caller(app).get("/api/ticketing/wallet")).status_code == 401
