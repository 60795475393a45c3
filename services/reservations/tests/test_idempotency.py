import asyncio

import pytest
from fastapi import FastAPI

from services.reservations.tests.cinema import buyer, on_sale, paid, sql, tell

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_the_same_request_again_gets_the_first_answer_again(app: FastAPI) -> None:
    customer = buyer(app, await on_sale(app))
    first = await customer.ask("A1", "A2", key="k1")
    again = await customer.ask("A1", "A2", key="k1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert "idempotent-replay" not in first.headers
    assert again.headers["idempotent-replay"] == "true"
    assert await sql(app, "SELECT count(*) FROM hold WHERE user_id = :id", id=customer.user_id) == [(1,)]


async def test_the_first_answer_is_repeated_whatever_has_become_of_the_hold(app: FastAPI) -> None:
    customer = buyer(app, await on_sale(app))
    first = await customer.ask("A1", key="k1")
    await customer.give_back(first.json())
    assert (await customer.ask("A1", key="k1")).content == first.content
    assert (await customer.map())["held"] == []
    await tell(app, paid(first.json(), customer))
    assert (await customer.ask("A1", key="k1")).content == first.content


async def test_another_body_under_the_same_key_is_refused(app: FastAPI) -> None:
    customer = buyer(app, await on_sale(app))
    await customer.ask("A1", key="k1")
    for other in ("A1 A2", "A3", "Z9"):
        problem = await customer.refused(*other.split(), key="k1")
        assert (problem["status"], problem["code"]) == (422, "idempotency_key_reused")


async def test_refusals_are_judged_anew(app: FastAPI) -> None:
    showtime_id = await on_sale(app)
    other = buyer(app, showtime_id)
    held = await other.hold("A1")
    customer = buyer(app, showtime_id)
    assert (await customer.ask("A1", key="k1")).status_code == 409
    await other.give_back(held)
    answer = await customer.ask("A1", key="k1")
    assert answer.status_code == 201
    assert "idempotent-replay" not in answer.headers


async def test_keys_of_different_users_are_different_keys(app: FastAPI) -> None:
    showtime_id = await on_sale(app)
    await buyer(app, showtime_id).hold("A1", key="k1")
    await buyer(app, showtime_id).hold("A3", key="k1")


async def test_a_key_may_be_used_again_after_a_day(app: FastAPI) -> None:
    customer = buyer(app, await on_sale(app))
    await customer.hold("A1", key="k1")
    await sql(app, "UPDATE hold SET created_at = now() - interval '25 h' WHERE user_id = :id", id=customer.user_id)
    answer = await customer.ask("A3", key="k1")
    assert answer.status_code == 201
    assert "idempotent-replay" not in answer.headers


async def test_of_the_same_requests_at_the_same_moment_one_holds_and_all_hear_of_it(app: FastAPI) -> None:
    customer = buyer(app, await on_sale(app))
    answers = await asyncio.gather(*(customer.ask("A1", "A2", key="k1") for _ in range(10)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotent-replay" not in answer.headers for answer in answers) == 1
    assert await sql(app, "SELECT count(*) FROM hold WHERE user_id = :id", id=customer.user_id) == [(1,)]


async def test_best_available_is_repeated_with_the_seats_it_got(app: FastAPI) -> None:
    customer = buyer(app, await on_sale(app))
    wish = {"count": 3, "ticket_type": "adult"}
    first, again = [await customer.ask(key="k1", best_available=wish) for _ in range(2)]
    assert again.content == first.content
