"""The provider's statement, copied line by line, so that the auditor can hold the books against it."""

from typing import Any
from uuid import UUID

from sqlalchemy import func, or_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.ticketing.commands import topups
from services.ticketing.models import Intent, IntentStatus, LineKind, LineStatus, Refund, StatementLine
from services.ticketing.seen import SeenIntent, SeenRefund


async def note_payment(session: AsyncSession, seen: SeenIntent) -> None:
    """Keep a payment that has succeeded, if its metadata are ours."""
    cause = cause_of(seen)
    if seen.status is not IntentStatus.SUCCEEDED or cause is None:
        return
    booking_id = seen.metadata.get("booking_id")
    line = {
        "id": seen.id,
        "kind": LineKind.PAYMENT,
        "payment_id": seen.id,
        "booking_id": UUID(booking_id) if booking_id else None,
        "amount": seen.amount,
        "currency": seen.currency,
        "status": LineStatus.SUCCEEDED,
        "cause": cause,
    }
    await keep(session, line)


async def note_refund(session: AsyncSession, seen: SeenRefund) -> None:
    """Keep a refund as it stands now; also one that somebody has made at the provider's, which is none of ours."""
    booking_id, refund_id = seen.metadata.get("booking_id"), seen.metadata.get("refund")
    line = {
        "id": seen.id,
        "kind": LineKind.REFUND,
        "payment_id": seen.payment_id,
        "booking_id": UUID(booking_id) if booking_id else None,
        "amount": seen.amount,
        "currency": seen.currency,
        "status": LineStatus(seen.status.value),
        "cause": f"returned:{refund_id}:{seen.metadata.get('try')}" if refund_id else None,
    }
    await keep(session, line)


async def note_lost_dispute(session: AsyncSession, refund: Refund) -> None:
    """The bank's refund: at the provider it is a dispute, of which it has told us, and no refund."""
    intent = await session.get_one(Intent, refund.intent_id)
    line = {
        "id": refund.stripe_id,
        "kind": LineKind.REFUND,
        "payment_id": intent.stripe_id,
        "booking_id": refund.booking_id,
        "amount": refund.amount,
        "currency": refund.currency,
        "status": LineStatus.SUCCEEDED,
        "cause": f"returned:{refund.id}:{refund.tries}",
    }
    await keep(session, line)


async def keep(session: AsyncSession, line: dict[str, Any]) -> None:
    """A status that is known stays, unless what is seen can only be later: failing is what a refund may do last."""
    new = insert(StatementLine).values(line)
    is_later = or_(
        (StatementLine.status == LineStatus.PENDING) & (new.excluded.status != LineStatus.PENDING),
        (StatementLine.status == LineStatus.SUCCEEDED) & (new.excluded.status == LineStatus.FAILED),
    )
    values = {"status": new.excluded.status, "seen_at": func.now()}
    await session.execute(new.on_conflict_do_update(index_elements=[StatementLine.id], set_=values, where=is_later))


def cause_of(seen: SeenIntent) -> str | None:
    """Under which cause the ledger books the payment (`ledger.received`, `topups.topup_paid`); None: none of ours."""
    if seen.metadata.get("kind") == topups.KIND:
        return f"topup:{seen.metadata['topup_id']}"
    return f"received:{seen.id}" if "booking_id" in seen.metadata else None
