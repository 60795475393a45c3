"""Holding our books against the provider's: what webhooks lost is fetched, and what either side does not know shows.

This keeps the provider's statement up to date, in both directions; the auditor compares (`services.ticketing.audit`).
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.shared.db import Sessions
from services.shared.jobs import Work
from services.ticketing.booking import stripe_events
from services.ticketing.commands import statement
from services.ticketing.models import Account, LedgerEntry, Refund, RefundStatus, StatementLine, TopUp, Watermark
from services.ticketing.payments import PaymentRefused, Payments, PaymentsAway
from services.ticketing.seen import SeenIntent, SeenRefund, seen_intent, seen_refund

# The provider's clock may differ from ours, and an event may show up in its list a little late.
OVERLAP = timedelta(minutes=10)
FIRST_LOOK_BACK = timedelta(days=1)
WATERMARK = "stripe"
# What the books know and the statement does not, in one round: it is asked for one by one.
ASKED_AT_ONCE = 20

log = structlog.get_logger()


async def reconcile(work: Work) -> None:
    """Every 5 minutes, and at the start: the events and payments since the last time, and what we miss among them."""
    last: datetime | None = getattr(work.state, "reconciled_at", None)
    started = datetime.now(UTC)
    if last is not None and started - last < timedelta(seconds=work.sessions.settings.reconcile_seconds):
        return
    try:
        await take_in(work.sessions, work.state.payments, started)
        await ask_for_the_missing(work.sessions, work.state.payments)
    except PaymentsAway as error:
        log.warning("not reconciled", error=repr(error.__cause__))
        return
    work.state.reconciled_at = started


async def take_in(transactions: Sessions, payments: Payments, started: datetime) -> None:
    """Raises PaymentsAway."""
    since = await watermark(transactions) - OVERLAP
    events = await payments.events(since, stripe_events.TYPES)
    intents = await payments.intents(since)
    async with transactions.begin() as session:
        for event in events:
            await stripe_events.receive(session, event)
            await copy(session, event["data"]["object"])
        for intent in intents:
            await statement.note_payment(session, intent)
        mark = insert(Watermark).values(name=WATERMARK, at=started)
        await session.execute(mark.on_conflict_do_update(index_elements=[Watermark.name], set_={"at": started}))


async def copy(session: AsyncSession, subject: dict[str, Any]) -> None:
    if subject["object"] == "payment_intent":
        await statement.note_payment(session, seen_intent(subject))
    elif subject["object"] == "refund":
        await statement.note_refund(session, seen_refund(subject))


async def ask_for_the_missing(transactions: Sessions, payments: Payments) -> None:
    """Look up what is booked and was never seen on the statement. What the provider does not know stays missing."""
    async with transactions.begin() as session:
        ids = [*await unseen_payments(session), *await unseen_refunds(session)]
    for id_ in ids:
        seen = await look_up(payments, id_)
        async with transactions.begin() as session:
            if isinstance(seen, SeenIntent):
                await statement.note_payment(session, seen)
            elif isinstance(seen, SeenRefund):
                await statement.note_refund(session, seen)


async def look_up(payments: Payments, id_: str) -> SeenIntent | SeenRefund | None:
    """Raises PaymentsAway."""
    try:
        return await (payments.intent(id_) if id_.startswith("pi_") else payments.refund(id_))
    except PaymentRefused as refused:
        log.warning("provider does not know what is booked", id=id_, code=refused.code)
        return None


async def unseen_payments(session: AsyncSession) -> Sequence[str]:
    known = select(StatementLine.id)
    of_bookings = func.substr(LedgerEntry.cause, len("received:") + 1)
    booked = (
        select(of_bookings)
        .where(LedgerEntry.account == Account.CLEARING, LedgerEntry.cause.startswith("received:pi_"))
        .where(of_bookings.not_in(known), LedgerEntry.at < func.now() - OVERLAP)
    )
    topups = select(TopUp.intent_id).where(TopUp.paid_at < func.now() - OVERLAP, TopUp.intent_id.not_in(known))
    found = (await session.scalars(booked.union(topups).limit(ASKED_AT_ONCE))).all()
    return [id_ for id_ in found if id_ is not None]


async def unseen_refunds(session: AsyncSession) -> Sequence[str]:
    known = select(StatementLine.id)
    done = Refund.stripe_id.is_not(None), Refund.status == RefundStatus.SUCCEEDED, Refund.done_at < func.now() - OVERLAP
    query = select(Refund.stripe_id).where(*done, Refund.stripe_id.not_in(known)).limit(ASKED_AT_ONCE)
    return [id_ for id_ in await session.scalars(query) if id_ is not None]


async def watermark(transactions: Sessions) -> datetime:
    async with transactions.begin() as session:
        mark = await session.get(Watermark, WATERMARK)
        return mark.at if mark else datetime.now(UTC) - FIRST_LOOK_BACK
