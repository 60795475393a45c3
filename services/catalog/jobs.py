"""What runs by the clock."""

from services.catalog import commands
from services.shared.jobs import Job, Work


async def count_visits(work: Work) -> None:
    """Films' popularity, a second behind the tickets."""
    counted = commands.COUNTED_AT_ONCE
    while counted >= commands.COUNTED_AT_ONCE:
        async with work.sessions.begin() as session:
            counted = await commands.count_visits(session)


async def renew_recommendations(work: Work) -> None:
    """Each film in a transaction of its own; what is left over waits for the next time."""
    async with work.sessions.begin() as session:
        await commands.renew_prospects(session)
        stale = await commands.stale_prospects(session)
    for movie_id in stale:
        async with work.sessions.begin() as session:
            await commands.renew_affinities(session, movie_id)


async def forget_latecomers(work: Work) -> None:
    async with work.sessions.begin() as session:
        await commands.forget_latecomers(session)


JOBS = [
    Job(count_visits, seconds=1),
    Job(renew_recommendations, seconds=10),
    Job(forget_latecomers, seconds=3600),
]
