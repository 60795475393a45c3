"""What runs by the clock."""

from typing import cast

from services.shared.bus import Bus, BusAway
from services.shared.jobs import Job, Work
from services.users import commands

SERVICE = "users"


async def send_reset_links(work: Work) -> None:
    async with work.sessions.begin() as session:
        await commands.send_reset_links(session)


async def prune(work: Work) -> None:
    """Forget what has expired."""
    await commands.prune(work.sessions)


async def erase_guests(work: Work) -> None:
    """Not before all that is said about their tickets has been heard."""
    try:
        if await cast("Bus", work.state.bus).backlog(SERVICE):
            return
    except BusAway:
        return
    erased = commands.GUESTS_AT_ONCE
    while erased == commands.GUESTS_AT_ONCE:
        async with work.sessions.begin() as session:
            erased = await commands.erase_guests(session)


JOBS = [
    Job(send_reset_links, seconds=1, wake=commands.RESET_SIGNAL),
    Job(prune, seconds=600),
    Job(erase_guests, seconds=3600),
]
