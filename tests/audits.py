"""The auditor's word after a test that makes trouble: once the dust has settled, nothing is wrong anywhere."""

import asyncio
from datetime import UTC, datetime
from typing import Any

from tests.people import Person, World

# For a stack that is to be audited: sweeps every two seconds, and what is wrong for two is wrong.
OFTEN = {"MARQUEE_AUDIT_SECONDS": "2", "MARQUEE_AUDIT_DUST_SECONDS": "2", "MARQUEE_RECONCILE_SECONDS": "5"}
SETTLE_SECONDS = 30


async def audited(world: World, seconds: float = SETTLE_SECONDS) -> Any:
    """The audit of all five services, once each has looked since now and found nothing. Raises AssertionError."""
    started = datetime.now(UTC)
    manager = world.manager()
    report = await look(manager)
    while not (is_newer(report, started) and report["healthy"]):
        if (datetime.now(UTC) - started).total_seconds() > seconds:
            raise AssertionError("\n".join(faults(report, started)))
        await asyncio.sleep(0.5)
        report = await look(manager)
    return report


async def look(manager: Person) -> Any:
    return await manager.get("/api/ticketing/audit")


def is_newer(report: Any, started: datetime) -> bool:
    times = [one["checked_at"] for one in report["services"]]
    return all(time is not None and datetime.fromisoformat(time) > started for time in times)


def faults(report: Any, started: datetime) -> list[str]:
    """One line each, services that have not looked included."""
    silent = [one for one in report["services"] if one["stale"] or not is_newer({"services": [one]}, started)]
    return [
        *(f"{one['service']} has not looked since {one['checked_at']}" for one in silent),
        *(
            f"{one['invariant']} {found['service']}: {found['title']}: {found['subject']}: {found['detail']}"
            for one in report["invariants"]
            for found in one["violations"]
        ),
    ]
