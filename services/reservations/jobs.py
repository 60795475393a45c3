"""What runs by the clock."""

from typing import cast

from services.reservations.commands import outages, releases
from services.reservations.commands.pruning import PRUNING
from services.reservations.office import UNREAD, Office
from services.shared.bus import Bus, BusAway
from services.shared.jobs import Job, Work

SERVICE = "reservations"


async def listen(work: Work) -> None:
    """Know whether we hear the bus. After a silence, read all that has come meanwhile, then let the clocks go on.

    Until then no seat is taken from anybody whose payment has started, and `/readyz` says 503.
    """
    reception, bus = office(work).reception, cast("Bus", work.state.bus)
    try:
        waiting = await bus.backlog(SERVICE)
    except BusAway as error:
        reception.cut_off = True
        work.state.health.report(UNREAD, f"cut off: {error}")
        return
    if waiting:
        if reception.cut_off:
            work.state.health.report(UNREAD, f"{waiting} messages to read first")
        return
    async with work.sessions.begin() as session:
        await outages.beat(session)
    reception.cut_off, reception.settled = False, True
    work.state.health.report(UNREAD)


async def release_expired(work: Work) -> None:
    """Not before the first backlog is read: it may tell that what has expired while we were down is paid."""
    reception = office(work).reception
    if reception.settled:
        async with work.sessions.begin() as session:
            await releases.release_expired(session, cut_off=reception.cut_off)


async def refresh_maps(work: Work) -> None:
    await office(work).hub.refresh()


async def prune(work: Work) -> None:
    """Batch by batch, each in a transaction of its own, so that nobody waits long for a lock."""
    for remove in PRUNING:
        removed = 1
        while removed:
            async with work.sessions.begin() as session:
                removed = await remove(session)


def office(work: Work) -> Office:
    return cast("Office", work.state.office)


JOBS = [
    Job(listen, seconds=0.5, everywhere=True),
    # Everywhere, since locked rows are skipped: no lease has to run out when a process dies.
    Job(release_expired, seconds=1, everywhere=True),
    Job(refresh_maps, seconds=0.2, everywhere=True),
    Job(prune, seconds=600),
]
