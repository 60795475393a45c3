"""What ticketing keeps of users: the newest word counts, whatever comes first, and nothing comes after the last."""

import asyncio
from itertools import permutations
from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import select

from services.shared.events import Event, UserChanged, UserErased, UserRegistered, UserVerified
from services.shared.ids import new_id
from services.shared.mail import Mail
from services.shared.testing import deliver, parked
from services.ticketing.handlers import HANDLERS
from services.ticketing.models import Customer, Ticket, Wallet
from services.ticketing.tests.facts import sell, sessions_of


def told(user_id: UUID) -> dict[str, Event]:
    facts = {"user_id": user_id, "locale": "en"}
    old = {"email": "ada@people.example", "full_name": "Ada Old"}
    new = {"email": "ada@people.example", "full_name": "Ada New"}
    return {
        "registered": UserRegistered(**facts, **old, version=1),
        "verified": UserVerified(**facts, **old, version=2),
        "changed": UserChanged(**facts, **new, email_verified=True, version=3),
        "erased": UserErased(user_id=user_id, version=4),
    }


async def customer(app: FastAPI, user_id: UUID) -> Customer | None:
    async with sessions_of(app).begin() as session:
        return await session.get(Customer, user_id)


async def coins(app: FastAPI, user_id: UUID) -> int:
    async with sessions_of(app).begin() as session:
        wallet = await session.get(Wallet, user_id)
        return wallet.balance if wallet else 0


async def test_whatever_comes_first_the_newest_facts_stay_and_the_coins_come_once(app: FastAPI) -> None:
    for order in permutations(("registered", "verified", "changed")):
        user_id = new_id()
        events = told(user_id)
        await deliver(app, HANDLERS, *(events[name] for name in order))
        kept = await customer(app, user_id)
        assert kept
        assert (kept.full_name, kept.version, kept.is_verified) == ("Ada New", 3, True), order
        assert await coins(app, user_id) == 500, order


@pytest.mark.parametrize("last", [0, 1, 2, 3])
async def test_nothing_is_kept_of_an_erased_user_whatever_comes_after(app: FastAPI, last: int) -> None:
    user_id = new_id()
    *before, erased = told(user_id).values()
    await deliver(app, HANDLERS, *before[:last], erased, *before[last:])
    assert await customer(app, user_id) is None
    assert await parked(app) == []


async def test_a_user_who_is_erased_while_others_words_arrive_is_not_kept(app: FastAPI) -> None:
    ids = [new_id() for _ in range(20)]
    events = [event for user_id in ids for event in told(user_id).values()]
    await asyncio.gather(*(deliver(app, HANDLERS, event) for event in events))
    assert [await customer(app, user_id) for user_id in ids] == [None] * 20


async def test_words_whose_personal_part_is_blank_bring_nobody_back(app: FastAPI) -> None:
    user_id = new_id()
    await deliver(app, HANDLERS, UserRegistered(user_id=user_id, email="", full_name="", locale="en"))
    assert await customer(app, user_id) is None


async def test_a_new_address_is_unverified_until_it_is_verified(app: FastAPI) -> None:
    user_id = new_id()
    registered, verified, *_ = told(user_id).values()
    moved = UserChanged(user_id=user_id, email="new@people.example", full_name="Ada", locale="de", version=4)
    await deliver(app, HANDLERS, registered, verified, moved)
    kept = await customer(app, user_id)
    assert kept
    assert (kept.email, kept.locale, kept.is_verified) == ("new@people.example", "de", False)


async def test_a_verified_guest_gets_no_coins_whatever_comes_first(app: FastAPI) -> None:
    for forward in (True, False):
        user_id = new_id()
        facts = {"user_id": user_id, "email": "g@people.example", "full_name": "G", "locale": "en", "is_guest": True}
        events = [UserRegistered(**facts), UserVerified(**facts, version=2)]
        await deliver(app, HANDLERS, *(events if forward else events[::-1]))
        assert await coins(app, user_id) == 0


async def test_issued_tickets_keep_their_name_when_the_profile_changes_and_lose_it_when_it_is_erased(
    app: FastAPI,
) -> None:
    user_id = new_id()
    registered, _, changed, erased = told(user_id).values()
    await deliver(app, HANDLERS, registered)
    [ticket] = await sell(app, user_id, 1)

    async def name() -> tuple[str, str]:
        async with sessions_of(app).begin() as session:
            kept = await session.get_one(Ticket, ticket.id)
            return kept.holder_name, kept.status

    await deliver(app, HANDLERS, changed)
    assert await name() == ("Ada Old", "valid")
    await deliver(app, HANDLERS, erased)
    assert await name() == ("", "valid")
    async with sessions_of(app).begin() as session:
        assert [mail.content for mail in await session.scalars(select(Mail).where(Mail.user_id == user_id))] in (
            [],
            [None],
        )


async def test_tickets_that_are_issued_while_their_holder_is_erased_bear_no_name(app: FastAPI) -> None:
    for number in range(1, 11):
        user_id = new_id()
        registered, *_, erased = told(user_id).values()
        await deliver(app, HANDLERS, registered)
        await asyncio.gather(sell(app, user_id, number), deliver(app, HANDLERS, erased))
    async with sessions_of(app).begin() as session:
        assert set(await session.scalars(select(Ticket.holder_name))) == {""}
