"""Each pair of state and trigger, against the table of the contract written out once more."""

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from fastapi import FastAPI
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.shared.db import Sessions
from services.shared.ids import new_id
from services.ticketing.commands.effects import Occasion
from services.ticketing.commands.refunds import Wish
from services.ticketing.models import (
    Closing,
    Intent,
    IntentStatus,
    Method,
    Order,
    OrderStatus,
    RefundCause,
    SagaEntry,
)
from services.ticketing.saga import STEPS, MoneyWithoutStep, State, Trigger, advance, state_of
from services.ticketing.tests.shop import seat

pytestmark = pytest.mark.asyncio(loop_scope="package")

# Where each listed pair leads with a payment still alive, or money to give back. Everything else is ignored.
CONTRACT = """
none              seats_held          awaiting_payment
none              seats_released      cancelled
none              grace_ended         expired
awaiting_payment  pays_by_card        paying
awaiting_payment  pays_at_once        paid
awaiting_payment  payment_processing  paying
awaiting_payment  payment_failed      awaiting_payment
awaiting_payment  payment_succeeded   paid
awaiting_payment  deadline            closing_deadline
awaiting_payment  grace_ended         closing_grace
awaiting_payment  seats_released      closing
awaiting_payment  customer_cancels    closing
awaiting_payment  showtime_cancelled  closing
awaiting_payment  user_erased         closing
paying            payment_failed      awaiting_payment
paying            payment_gone        awaiting_payment
paying            payment_succeeded   paid
paying            deadline            closing_deadline
paying            grace_ended         closing_grace
paying            seats_released      closing
paying            customer_cancels    closing
paying            showtime_cancelled  closing
paying            user_erased         closing
closing_deadline  payment_gone        expired
closing_deadline  payment_succeeded   paid
closing_grace     payment_gone        expired
closing_grace     payment_succeeded   refunding
closing           payment_gone        cancelled
closing           payment_succeeded   refunding
expired           payment_succeeded   paid
cancelled         payment_succeeded   refunding
paid              seats_sold          issued
paid              seats_sold_in_vain  refunding
paid              seats_lost          refunding
paid              ticket_exists       refunding
paid              payment_succeeded   paid
issued            refund_all          refunding
issued            showtime_cancelled  refunding
issued            refund_part         issued
issued            payment_succeeded   issued
refunding         refund_succeeded    refunded
refunding         refund_failed       refund_failed
refunding         payment_succeeded   refunding
refunded          refund_failed       refund_failed
refunded          payment_succeeded   refunded
refund_failed     refund_retried      refunding
refund_failed     payment_succeeded   refund_failed
issued            dispute_lost        refunded
refunding         dispute_lost        refunded
refund_failed     dispute_lost        refunded
"""
EXPECTED = {(row.split()[0], row.split()[1]): row.split()[2] for row in CONTRACT.split("\n") if row}


class Undone(Exception):
    """Rolls a pair's transaction back, so that no job comes upon its order."""


SETTLED = {State.PAID, State.ISSUED, State.REFUNDING, State.REFUNDED, State.REFUND_FAILED}
CLOSINGS = {
    State.CLOSING_DEADLINE: Closing.DEADLINE,
    State.CLOSING_GRACE: Closing.GRACE,
    State.CLOSING: Closing.CUSTOMER,
}


def order_in(state: State) -> Order:
    seats = [seat("F7")]
    status = OrderStatus.PAYING if state in CLOSINGS else OrderStatus(state) if state is not State.NONE else None
    return Order(
        booking_id=new_id(),
        user_id=new_id(),
        showtime_id=new_id(),
        status=status,
        closing=CLOSINGS.get(state),
        version=0 if status is None else 7,
        seats=[one.model_dump() for one in seats],
        movie={},
        showtime={"timezone": "Europe/Berlin"},
        starts_at=datetime.now(UTC),
        subtotal=1250,
        discount=0,
        total=1250,
        currency="EUR",
        expires_at=datetime.now(UTC),
        method=Method.COINS,
        paid=1250 if state in SETTLED else 0,
    )


def occasion_for(order: Order) -> tuple[Intent, Occasion]:
    facts = {"booking_id": order.booking_id, "number": 1, "amount": 1250, "currency": "EUR"}
    intent = Intent(id=new_id(), status=IntentStatus.OPEN, stripe_id=f"pi_{order.booking_id}", **facts)
    wish = Wish(RefundCause.CUSTOMER, amount=500)
    return intent, Occasion(cause="test", intent=intent, method=Method.COINS, wish=wish)


@pytest.mark.parametrize("state", State)
async def test_every_trigger_in_every_state_does_what_the_contract_says(shared_app: FastAPI, state: State) -> None:
    for trigger in Trigger:
        await try_pair(shared_app.state.sessions, state, trigger)


async def try_pair(sessions: Sessions, state: State, trigger: Trigger) -> None:
    with suppress(Undone):
        async with sessions.begin() as session:
            await take_step(session, state, trigger)
            raise Undone


async def take_step(session: AsyncSession, state: State, trigger: Trigger) -> None:
    order = order_in(state)
    intent, occasion = occasion_for(order)
    session.add(intent)
    await session.flush()
    order.intent_id = intent.id if trigger is Trigger.DISPUTE_LOST else None
    if state is not State.NONE:
        session.add(order)
    await session.flush()
    version = order.version
    expected = EXPECTED.get((state, trigger))
    if expected is None and trigger is Trigger.PAYMENT_SUCCEEDED:
        with pytest.raises(MoneyWithoutStep):
            await advance(session, order, trigger, occasion)
        return
    taken = await advance(session, order, trigger, occasion)
    assert (taken, state_of(order)) == (expected is not None, expected or state), (state, trigger)
    assert order.version == version + taken


async def test_money_has_an_answer_in_every_state_that_an_order_can_be_in() -> None:
    assert [state for state in State if (state, Trigger.PAYMENT_SUCCEEDED) not in STEPS] == [State.NONE]


async def test_the_table_says_nothing_that_the_contract_does_not(shared_app: FastAPI) -> None:
    assert {(str(state), str(trigger)) for state, trigger in STEPS} == set(EXPECTED)


async def test_closing_without_a_payment_ends_at_once_and_both_steps_are_logged(shared_app: FastAPI) -> None:
    sessions: Sessions = shared_app.state.sessions
    async with sessions.begin() as session:
        order = order_in(State.AWAITING_PAYMENT)
        session.add(order)
        await session.flush()
        await advance(session, order, Trigger.DEADLINE)
        assert (order.status, order.closing) == (OrderStatus.EXPIRED, Closing.DEADLINE)
        log = select(SagaEntry).where(SagaEntry.booking_id == order.booking_id).order_by(SagaEntry.id)
        steps = [(entry.trigger, entry.to_state) for entry in await session.scalars(log)]
        assert steps == [("deadline", "closing_deadline"), ("payment_gone", "expired")]


async def test_an_intent_status_is_live_until_it_is_final() -> None:
    live = [status for status in IntentStatus if Intent(status=status).is_live]
    assert live == [IntentStatus.CREATING, IntentStatus.OPEN, IntentStatus.PROCESSING]
