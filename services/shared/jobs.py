"""What runs by the clock: each job in one process at a time, for ever, and its death shows in `/readyz`."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import structlog
from starlette.datastructures import State

from services.shared.db import Sessions
from services.shared.leases import Lessee
from services.shared.logging import bound_contextvars
from services.shared.signals import wait_for

RESTART_SECONDS = 1.0
LEASE = timedelta(seconds=5)

log = structlog.get_logger()


@dataclass(frozen=True)
class Work:
    """What a job is given: transactions to open, and what the service keeps in its app's state."""

    sessions: Sessions
    state: State


@dataclass(frozen=True)
class Job:
    """`run` every `seconds`, and at once when the signal `wake` is fired by a commit of this process.

    `everywhere`: in each process, not just in the one that has the lease. `at_start`: the first time at once.
    """

    run: Callable[[Work], Awaitable[None]]
    seconds: float
    wake: str | None = None
    everywhere: bool = False
    at_start: bool = True

    @property
    def name(self) -> str:
        return self.run.__name__


class Health:
    """Which of a service's background parts are alive; a part that is down says why."""

    def __init__(self) -> None:
        self._parts: dict[str, str] = {}

    def report(self, part: str, fault: str = "") -> None:
        self._parts[part] = fault

    @property
    def faults(self) -> dict[str, str]:
        return {part: fault for part, fault in self._parts.items() if fault}


async def supervise(name: str, run: Callable[[], Awaitable[None]], health: Health) -> None:
    """Run for ever: what crashes is logged, shows in `health`, and starts again."""
    while True:
        try:
            health.report(name)
            await run()
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            crashed(name, error, health)  # a library cancelled its own future under us
        except Exception as error:
            crashed(name, error, health)
        await asyncio.sleep(RESTART_SECONDS)


def crashed(name: str, error: BaseException, health: Health) -> None:
    log.error("background part crashed", part=name, exc_info=error)
    health.report(name, f"{type(error).__name__}: {error}")


async def run_for_ever(job: Job, work: Work) -> None:
    if not job.at_start:
        await asyncio.sleep(job.seconds)
    lessee = Lessee(work.sessions, job.name, LEASE)
    async with lessee.returned():
        with bound_contextvars(job=job.name):
            while True:
                with work.sessions.signals.watching(job.wake or job.name) as woken:
                    if job.everywhere:
                        await job.run(work)
                    elif await lessee.holds():
                        await lessee.keep_while(partial(job.run, work))
                    await wait_for(woken, job.seconds)
