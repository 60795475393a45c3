"""The booking saga: one literal table. `advance` is the only place where an order's status changes.

Stripe is never asked in here. A step writes down what has to be done there, and jobs do it and come back with a
trigger, so that a crash anywhere between loses nothing.
"""

from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Any, NamedTuple

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from services.shared.db import fire_after_commit
from services.ticketing.commands.effects import (
    Occasion,
    begin_closing,
    charge_back,
    end_unpaid,
    expire,
    hand_over,
    let_try_again,
    nothing,
    open_order,
    refund_all,
    refund_part,
    sell,
    sell_late,
    send_back,
    send_extra_back,
    start_payment,
)
from services.ticketing.models import Closing, Order, OrderStatus, SagaEntry

log = structlog.get_logger()


class State(StrEnum):
    """An order's status; an unpaid order that is being closed is in a state of its own, by the reason."""

    NONE = "none"
    AWAITING_PAYMENT = "awaiting_payment"
    PAYING = "paying"
    CLOSING_DEADLINE = "closing_deadline"
    CLOSING_GRACE = "closing_grace"
    CLOSING = "closing"
    PAID = "paid"
    ISSUED = "issued"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    REFUNDING = "refunding"
    REFUNDED = "refunded"
    REFUND_FAILED = "refund_failed"


class Trigger(StrEnum):
    SEATS_HELD = "seats_held"
    SEATS_RELEASED = "seats_released"
    GRACE_ENDED = "grace_ended"
    PAYS_BY_CARD = "pays_by_card"
    PAYS_AT_ONCE = "pays_at_once"
    PAYMENT_PROCESSING = "payment_processing"
    PAYMENT_FAILED = "payment_failed"
    PAYMENT_GONE = "payment_gone"
    PAYMENT_SUCCEEDED = "payment_succeeded"
    DEADLINE = "deadline"
    CUSTOMER_CANCELS = "customer_cancels"
    SHOWTIME_CANCELLED = "showtime_cancelled"
    USER_ERASED = "user_erased"
    SEATS_SOLD = "seats_sold"
    SEATS_SOLD_IN_VAIN = "seats_sold_in_vain"
    SEATS_LOST = "seats_lost"
    TICKET_EXISTS = "ticket_exists"
    REFUND_ALL = "refund_all"
    REFUND_PART = "refund_part"
    REFUND_SUCCEEDED = "refund_succeeded"
    REFUND_FAILED = "refund_failed"
    REFUND_RETRIED = "refund_retried"
    DISPUTE_LOST = "dispute_lost"


class Step(NamedTuple):
    """`at_once` is what follows in the same transaction if the effect found nothing to wait for."""

    to: State
    effect: Callable[[AsyncSession, Order, Occasion], Awaitable[bool | None]]
    at_once: Trigger | None = None


class MoneyWithoutStep(Exception):
    """A payment came in a state that has no answer to it: for a person, never to be dropped."""


def state_of(order: Order) -> State:
    if order.status is None:
        return State.NONE
    if order.closing is None or order.status in (OrderStatus.EXPIRED, OrderStatus.CANCELLED):
        return State(order.status)
    return CLOSING_STATES.get(order.closing, State.CLOSING)


async def advance(session: AsyncSession, order: Order, trigger: Trigger, occasion: Occasion | None = None) -> bool:
    """Take the step for `trigger`, if the table has one; the order's row must be locked. True if it has.

    What is not listed is a duplicate or a latecomer. Raises MoneyWithoutStep if it carries money.
    """
    occasion = occasion or Occasion()
    state = state_of(order)
    step = STEPS.get((state, trigger))
    if step is None:
        log.info("saga step ignored", booking_id=str(order.booking_id), state=state, trigger=trigger)
        if trigger is Trigger.PAYMENT_SUCCEEDED:
            raise MoneyWithoutStep(f"{order.booking_id}: {trigger} in {state}")
        return False
    enter(order, step.to, trigger)
    session.add(entry(order, state, trigger, step.to, occasion))
    fire_after_commit(session, order.booking_id)
    log.info("saga step", booking_id=str(order.booking_id), state=state, trigger=trigger, to=step.to)
    if await step.effect(session, order, occasion) and step.at_once:
        await advance(session, order, step.at_once, occasion)
    return True


def enter(order: Order, to: State, trigger: Trigger) -> None:
    order.version = (order.version or 0) + 1
    if to in (State.CLOSING, *CLOSING_STATES.values()):
        order.closing = REASONS[trigger]
        return
    order.status = OrderStatus(to)
    if to in (State.EXPIRED, State.CANCELLED):
        order.closing = order.closing or REASONS.get(trigger)
    else:
        order.closing = None


def entry(order: Order, state: State, trigger: Trigger, to: State, occasion: Occasion) -> SagaEntry:
    facts: dict[str, Any] = {"version": order.version}
    if occasion.intent:
        facts |= {"intent": occasion.intent.stripe_id, "attempt": occasion.intent.number}
    return SagaEntry(
        booking_id=order.booking_id,
        from_state=state,
        trigger=trigger,
        to_state=to,
        cause=occasion.cause,
        facts=facts,
    )


CLOSING_STATES = {Closing.DEADLINE: State.CLOSING_DEADLINE, Closing.GRACE: State.CLOSING_GRACE}

REASONS = {
    Trigger.DEADLINE: Closing.DEADLINE,
    Trigger.GRACE_ENDED: Closing.GRACE,
    Trigger.SEATS_RELEASED: Closing.CUSTOMER,
    Trigger.CUSTOMER_CANCELS: Closing.CUSTOMER,
    Trigger.SHOWTIME_CANCELLED: Closing.SHOWTIME_CANCELLED,
    Trigger.USER_ERASED: Closing.USER_ERASED,
}

S, T = State, Trigger

STEPS: dict[tuple[State, Trigger], Step] = {
    # A hold comes, or the word that it is over comes first: a closed tombstone, which opens nothing.
    (S.NONE, T.SEATS_HELD): Step(S.AWAITING_PAYMENT, open_order),
    (S.NONE, T.SEATS_RELEASED): Step(S.CANCELLED, nothing),
    (S.NONE, T.GRACE_ENDED): Step(S.EXPIRED, nothing),
    # Paying.
    (S.AWAITING_PAYMENT, T.PAYS_BY_CARD): Step(S.PAYING, start_payment),
    (S.AWAITING_PAYMENT, T.PAYS_AT_ONCE): Step(S.PAID, sell),
    (S.AWAITING_PAYMENT, T.PAYMENT_PROCESSING): Step(S.PAYING, nothing),
    (S.AWAITING_PAYMENT, T.PAYMENT_FAILED): Step(S.AWAITING_PAYMENT, let_try_again),
    (S.AWAITING_PAYMENT, T.PAYMENT_SUCCEEDED): Step(S.PAID, sell),
    (S.PAYING, T.PAYMENT_FAILED): Step(S.AWAITING_PAYMENT, let_try_again),
    (S.PAYING, T.PAYMENT_GONE): Step(S.AWAITING_PAYMENT, nothing),
    (S.PAYING, T.PAYMENT_SUCCEEDED): Step(S.PAID, sell),
    # An unpaid order ends: first the payment is cancelled at Stripe, then the seats are let go.
    (S.AWAITING_PAYMENT, T.DEADLINE): Step(S.CLOSING_DEADLINE, begin_closing, T.PAYMENT_GONE),
    (S.AWAITING_PAYMENT, T.GRACE_ENDED): Step(S.CLOSING_GRACE, begin_closing, T.PAYMENT_GONE),
    (S.AWAITING_PAYMENT, T.SEATS_RELEASED): Step(S.CLOSING, begin_closing, T.PAYMENT_GONE),
    (S.AWAITING_PAYMENT, T.CUSTOMER_CANCELS): Step(S.CLOSING, begin_closing, T.PAYMENT_GONE),
    (S.AWAITING_PAYMENT, T.SHOWTIME_CANCELLED): Step(S.CLOSING, begin_closing, T.PAYMENT_GONE),
    (S.AWAITING_PAYMENT, T.USER_ERASED): Step(S.CLOSING, begin_closing, T.PAYMENT_GONE),
    (S.PAYING, T.DEADLINE): Step(S.CLOSING_DEADLINE, begin_closing, T.PAYMENT_GONE),
    (S.PAYING, T.GRACE_ENDED): Step(S.CLOSING_GRACE, begin_closing, T.PAYMENT_GONE),
    (S.PAYING, T.SEATS_RELEASED): Step(S.CLOSING, begin_closing, T.PAYMENT_GONE),
    (S.PAYING, T.CUSTOMER_CANCELS): Step(S.CLOSING, begin_closing, T.PAYMENT_GONE),
    (S.PAYING, T.SHOWTIME_CANCELLED): Step(S.CLOSING, begin_closing, T.PAYMENT_GONE),
    (S.PAYING, T.USER_ERASED): Step(S.CLOSING, begin_closing, T.PAYMENT_GONE),
    (S.CLOSING_DEADLINE, T.PAYMENT_GONE): Step(S.EXPIRED, expire),
    (S.CLOSING_GRACE, T.PAYMENT_GONE): Step(S.EXPIRED, expire),
    (S.CLOSING, T.PAYMENT_GONE): Step(S.CANCELLED, end_unpaid),
    # While Stripe says `processing`, or a try fails, it is simply asked again (booking.closing).
    (S.CLOSING_DEADLINE, T.PAYMENT_SUCCEEDED): Step(S.PAID, sell),
    (S.CLOSING_GRACE, T.PAYMENT_SUCCEEDED): Step(S.REFUNDING, send_back),
    (S.CLOSING, T.PAYMENT_SUCCEEDED): Step(S.REFUNDING, send_back),
    # Succeeded after all.
    (S.EXPIRED, T.PAYMENT_SUCCEEDED): Step(S.PAID, sell_late),
    (S.CANCELLED, T.PAYMENT_SUCCEEDED): Step(S.REFUNDING, send_back),
    # Sold: tickets, or the money back.
    (S.PAID, T.SEATS_SOLD): Step(S.ISSUED, hand_over),
    (S.PAID, T.SEATS_SOLD_IN_VAIN): Step(S.REFUNDING, refund_all, T.REFUND_SUCCEEDED),
    (S.PAID, T.SEATS_LOST): Step(S.REFUNDING, refund_all, T.REFUND_SUCCEEDED),
    (S.PAID, T.TICKET_EXISTS): Step(S.REFUNDING, refund_all, T.REFUND_SUCCEEDED),
    (S.ISSUED, T.REFUND_ALL): Step(S.REFUNDING, refund_all, T.REFUND_SUCCEEDED),
    (S.ISSUED, T.SHOWTIME_CANCELLED): Step(S.REFUNDING, refund_all, T.REFUND_SUCCEEDED),
    (S.ISSUED, T.REFUND_PART): Step(S.ISSUED, refund_part),
    # The way back.
    (S.REFUNDING, T.REFUND_SUCCEEDED): Step(S.REFUNDED, nothing),
    (S.REFUNDING, T.REFUND_FAILED): Step(S.REFUND_FAILED, nothing),
    (S.REFUNDED, T.REFUND_FAILED): Step(S.REFUND_FAILED, nothing),
    (S.REFUND_FAILED, T.REFUND_RETRIED): Step(S.REFUNDING, nothing),
    # The bank has taken the money back.
    (S.ISSUED, T.DISPUTE_LOST): Step(S.REFUNDED, charge_back),
    (S.REFUNDING, T.DISPUTE_LOST): Step(S.REFUNDED, charge_back),
    (S.REFUND_FAILED, T.DISPUTE_LOST): Step(S.REFUNDED, charge_back),
    # Another payment of a booking that is settled.
    (S.PAID, T.PAYMENT_SUCCEEDED): Step(S.PAID, send_extra_back),
    (S.ISSUED, T.PAYMENT_SUCCEEDED): Step(S.ISSUED, send_extra_back),
    (S.REFUNDING, T.PAYMENT_SUCCEEDED): Step(S.REFUNDING, send_extra_back),
    (S.REFUNDED, T.PAYMENT_SUCCEEDED): Step(S.REFUNDED, send_extra_back),
    (S.REFUND_FAILED, T.PAYMENT_SUCCEEDED): Step(S.REFUND_FAILED, send_extra_back),
}
