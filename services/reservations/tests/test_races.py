"""Many at once, through several replicas with connections of their own."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from services.reservations.tests.cinema import (
    Buyer,
    buyer,
    labels,
    on_sale,
    paid,
    replica,
    run_out,
    seats,
    sql,
    sweep,
    tell,
)
from services.shared.auth import Role

pytestmark = pytest.mark.asyncio(loop_scope="package")


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def replicas(app: FastAPI) -> AsyncIterator[list[FastAPI]]:
    async with AsyncExitStack() as stack:
        yield [app, *[await stack.enter_async_context(replica(app)) for _ in range(2)]]


def crowd(replicas: list[FastAPI], showtime_id: UUID, count: int) -> list[Buyer]:
    return [buyer(replicas[number % len(replicas)], showtime_id) for number in range(count)]


def won(answers: list[httpx.Response]) -> Counter[str]:
    return Counter(label for answer in answers if answer.status_code == 201 for label in labels(answer.json()))


async def test_of_many_who_want_one_seat_exactly_one_gets_it(app: FastAPI, replicas: list[FastAPI]) -> None:
    showtime_id = await on_sale(app)
    answers = await asyncio.gather(*(person.ask("A1") for person in crowd(replicas, showtime_id, 30)))
    assert won(answers) == {"A1": 1}
    losers = [answer.json() for answer in answers if answer.status_code != 201]
    assert all((loser["code"], loser["taken"]) == ("seats_taken", ["A1"]) for loser in losers)
    assert await sql(app, "SELECT count(*) FROM hold WHERE showtime_id = :id", id=showtime_id) == [(1,)]


async def test_overlapping_groups_get_all_or_nothing_and_never_wait_in_a_circle(
    app: FastAPI, replicas: list[FastAPI]
) -> None:
    showtime_id = await on_sale(app, seats(1, 12))
    row = [f"A{number}" for number in range(1, 13)]
    dice = random.Random(5)
    wishes = [dice.sample(row, dice.randint(2, 4)) for _ in range(90)]
    people = crowd(replicas, showtime_id, len(wishes))
    answers = await asyncio.gather(*(person.ask(*wish) for person, wish in zip(people, wishes, strict=True)))
    assert {answer.status_code for answer in answers} == {201, 409}
    assert max(won(answers).values()) == 1
    for answer, wish in zip(answers, wishes, strict=True):
        assert answer.status_code == 409 or labels(answer.json()) == wish
    assert len((await people[0].map())["held"]) == won(answers).total()


async def test_one_user_at_many_windows_gets_two_holds(app: FastAPI, replicas: list[FastAPI]) -> None:
    showtime_id = await on_sale(app)
    person = buyer(app, showtime_id)
    windows = [Buyer(buyer(copy, showtime_id).client, showtime_id, person.user_id) for copy in replicas]
    for window in windows:
        window.client.headers = person.client.headers
    wishes = [f"{row}{number}" for row in "ABC" for number in (1, 3, 5, 7)]
    answers = await asyncio.gather(*(windows[n % 3].ask(wish) for n, wish in enumerate(wishes)))
    assert Counter(answer.status_code for answer in answers) == {201: 2, 409: 10}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"too_many_holds"}


async def test_one_lapsed_seat_is_taken_over_once(app: FastAPI, replicas: list[FastAPI]) -> None:
    showtime_id = await on_sale(app)
    held = await buyer(app, showtime_id).hold("A1", "A2")
    await run_out(app, held, table_names=["claim"])
    answers = await asyncio.gather(*(person.ask("A2", "A1") for person in crowd(replicas, showtime_id, 20)))
    assert won(answers) == {"A1": 1, "A2": 1}


async def test_a_late_payment_and_a_new_buyer_never_both_have_the_seat(app: FastAPI, replicas: list[FastAPI]) -> None:
    for _ in range(8):
        showtime_id = await on_sale(app, seats(1, 4))
        slow = buyer(app, showtime_id)
        held = await slow.hold("A1", "A2")
        await run_out(app, held, table_names=["claim"])
        quick = crowd(replicas, showtime_id, 5)
        asking = asyncio.gather(*(person.ask("A2") for person in quick))
        answers, _, _ = await asyncio.gather(asking, tell(app, paid(held, slow)), sweep(app))
        got = won(answers)
        seat_map = await slow.map()
        assert seat_map["held"] == ([2] if got else [])
        assert seat_map["sold"] == ([3, 4] if got else [1, 2])


@pytest.mark.parametrize("rule", [False, True])
async def test_a_crowd_of_best_available_buyers_shares_the_hall(
    app: FastAPI, replicas: list[FastAPI], rule: bool
) -> None:
    """Each who comes too late for the best place finds the next best, as long as there are enough seats."""
    showtime_id = await on_sale(app, seats(10, 12, [6]), single_seat_rule=rule)
    answers = await asyncio.gather(*(person.best(2) for person in crowd(replicas, showtime_id, 50)))
    assert [answer.text for answer in answers if answer.status_code != 201] == []
    assert max(won(answers).values()) == 1


async def test_giving_back_and_taking_at_the_same_time_loses_no_seat(app: FastAPI, replicas: list[FastAPI]) -> None:
    showtime_id = await on_sale(app, seats(1, 4))

    async def come_and_go(person: Buyer) -> None:
        for _ in range(5):
            answer = await person.ask("A1", "A2")
            if answer.status_code == 201:
                assert (await person.give_back(answer.json())).status_code == 204

    people = [buyer(replicas[n % 3], showtime_id, Role.staff) for n in range(12)]
    await asyncio.gather(*(come_and_go(person) for person in people))
    seat_map = await people[0].map()
    assert seat_map["held"] == seat_map["sold"] == []
    await people[0].hold("A1", "A2")
