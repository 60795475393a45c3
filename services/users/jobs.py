"""What runs by the clock."""

from services.shared.jobs import Job, Work
from services.users import commands


async def send_reset_links(work: Work) -> None:
    async with work.sessions.begin() as session:
        await commands.send_reset_links(session)


async def prune(work: Work) -> None:
    """Forget what has expired."""
    async with work.sessions.begin() as session:
        await commands.prune(session)


JOBS = [
    Job(send_reset_links, seconds=1, wake=commands.RESET_SIGNAL),
    Job(prune, seconds=600),
]
