"""How the service's messages are doing, for `/readyz` and `/metrics`."""

import asyncio
from typing import Any

from sqlalchemy import func, select

from services.shared.bus import Bus, BusAway
from services.shared.db import Sessions
from services.shared.errors import is_outage
from services.shared.messaging.tables import Outbox, Parked
from services.shared.metrics import Metrics

CHECK_SECONDS = 2.0


async def check_bus(bus: Bus, service: str) -> str:
    """Empty, or what is wrong."""
    try:
        await bus.backlog(service)
    except BusAway as error:
        return f"bus away: {error}"
    return ""


async def check_database(sessions: Sessions) -> str:
    """Empty, or what is wrong."""
    try:
        async with asyncio.timeout(CHECK_SECONDS), sessions.begin() as session:
            await session.scalar(select(1))
    except Exception as error:
        if not isinstance(error, TimeoutError) and not is_outage(error):
            raise
        return f"database away: {type(error).__name__}"
    return ""


async def measure(sessions: Sessions, metrics: Metrics) -> None:
    """What waits in the outbox, and how many dead letters want a person."""
    age = func.coalesce(func.extract("epoch", func.now() - func.min(Outbox.created_at)), 0)
    async with sessions.begin() as session:
        waiting: Any = (await session.execute(select(func.count(), age).select_from(Outbox))).one()
        dead = await session.scalar(select(func.count()).where(Parked.dead_at.is_not(None)))
        dead_rows = await session.scalar(select(func.count()).where(Outbox.dead_at.is_not(None)))
    metrics.outbox.labels(metrics.service).set(waiting[0])
    metrics.outbox_age.labels(metrics.service).set(float(waiting[1]))
    metrics.dead_letters.labels(metrics.service).set((dead or 0) + (dead_rows or 0))
