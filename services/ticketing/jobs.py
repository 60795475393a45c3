"""What runs by the clock, and at once when a commit asks for it."""

from services.shared.jobs import Job, Work
from services.ticketing import notices
from services.ticketing.booking import closing, reconciliation, refunding, stripe_events
from services.ticketing.commands import effects, ledger, pruning, refunds, reminders, showtimes
from services.ticketing.notices import writing


async def prune(work: Work) -> None:
    """Batch by batch, each in a transaction of its own, so that nobody waits long for a lock."""
    for remove in pruning.PRUNING:
        removed = 1
        while removed:
            async with work.sessions.begin() as session:
                removed = await remove(session)


# Those that run everywhere share their work row by row, so that whichever process committed it can begin at once.
JOBS = [
    Job(stripe_events.process, seconds=1, wake=stripe_events.SIGNAL, everywhere=True),
    Job(closing.cancel_payments, seconds=1, wake=effects.CLOSING_SIGNAL, everywhere=True),
    Job(refunding.pay_back, seconds=1, wake=refunds.SIGNAL, everywhere=True),
    Job(closing.close_overdue, seconds=1),
    Job(closing.close_cancelled_showtimes, seconds=1, wake=showtimes.CANCELLED_SIGNAL),
    Job(reconciliation.reconcile, seconds=10),
    Job(ledger.seal, seconds=1),
    Job(reminders.remind, seconds=30),
    Job(writing.write, seconds=1, wake=notices.SIGNAL, everywhere=True),
    Job(prune, seconds=3600),
]
