"""The auditor: asks a service's checks every minute, remembers the answers and tells them to whoever shows them."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from services.shared.audit.checks import Audit, Check, Found, Values
from services.shared.audit.messages import MESSAGE_CHECKS
from services.shared.db import Sessions, settings_of
from services.shared.errors import is_outage
from services.shared.events import InvariantsChecked, Outcome, Violation
from services.shared.jobs import Work
from services.shared.messaging import publish
from services.shared.messaging.tables import Base
from services.shared.metrics import Metrics
from services.shared.settings import Settings

# One that has missed two others is no news any more.
STALE_AFTER = 3

log = structlog.get_logger()


class AuditSweep(Base):
    """The last sweep of a service, as `events.Outcome`s: in each service its own, in ticketing those of all."""

    __tablename__ = "audit_sweep"

    service: Mapped[str] = mapped_column(primary_key=True)
    checked_at: Mapped[datetime]
    outcomes: Mapped[list[dict[str, Any]]]

    @property
    def checks(self) -> list[Outcome]:
        return [Outcome.model_validate(outcome) for outcome in self.outcomes]


class Auditor:
    """Where a service's walks are stands in memory only: after a restart they begin anew."""

    def __init__(self, service: str, audit: Audit) -> None:
        self._service = service
        self._checks = (*MESSAGE_CHECKS, *audit.checks)
        self._places = {walk: walk.first for walk in audit.walks}

    async def audit(self, work: Work) -> None:
        """One sweep: each check in a transaction of its own, so that none waits for another's snapshot."""
        started = datetime.now(UTC)
        values = settings_values(work.sessions.settings) | await self._move_on(work.sessions)
        found = [(check, await look(work.sessions, check, values)) for check in self._checks]
        async with work.sessions.begin() as session:
            last = await session.get(AuditSweep, self._service)
            outcomes = [outcome(check, rows, known(last), started) for check, rows in found]
            event = InvariantsChecked(service=self._service, occurred_at=started, outcomes=outcomes)
            await keep(session, event)
            publish(session, event)

    async def _move_on(self, sessions: Sessions) -> dict[str, Any]:
        values: dict[str, Any] = {}
        async with sessions.begin() as session:
            for walk, place in self._places.items():
                bounds = await walk.bounds(session, place)
                self._places[walk] = bounds[f"{walk.table}_high"]
                values |= bounds
        return values


def settings_values(settings: Settings) -> dict[str, Any]:
    return {
        "dust": timedelta(seconds=settings.audit_dust_seconds),
        "late": 2 * timedelta(seconds=settings.reconcile_seconds),
        "grace": timedelta(seconds=settings.grace_seconds),
    }


async def look(sessions: Sessions, check: Check, values: Values) -> Found:
    """A check that cannot be asked is a violation itself, and hides no other."""
    try:
        async with sessions.begin() as session:
            return await check.find(session, values)
    except Exception as error:
        if is_outage(error):
            raise
        log.exception("check failed", invariant=check.invariant, title=check.title)
        return [("check", f"could not be asked: {type(error).__name__}")]


def known(last: AuditSweep | None) -> Mapping[tuple[str, str], datetime]:
    """Since when what the last sweep found is so, by title and subject."""
    outcomes = last.checks if last else []
    return {(one.title, violation.subject): violation.since for one in outcomes for violation in one.violations}


def outcome(check: Check, found: Found, before: Mapping[tuple[str, str], datetime], now: datetime) -> Outcome:
    """Says each violation in the log once, when it is new."""
    for subject, detail in found:
        if (check.title, subject) not in before:
            log.error(
                "invariant violated", invariant=check.invariant, title=check.title, subject=subject, detail=detail
            )
    violations = [
        Violation(subject=subject, detail=detail, since=before.get((check.title, subject), now))
        for subject, detail in found
    ]
    return Outcome(invariant=check.invariant, title=check.title, violations=violations)


async def keep(session: AsyncSession, event: InvariantsChecked) -> None:
    """Remember a service's sweep, unless a later one is known."""
    outcomes = [outcome.model_dump(mode="json") for outcome in event.outcomes]
    sweep = insert(AuditSweep).values(service=event.service, checked_at=event.occurred_at, outcomes=outcomes)
    values = {"checked_at": sweep.excluded.checked_at, "outcomes": sweep.excluded.outcomes}
    is_newer = AuditSweep.checked_at < sweep.excluded.checked_at
    await session.execute(sweep.on_conflict_do_update(index_elements=[AuditSweep.service], set_=values, where=is_newer))


def horizon(settings: Settings) -> datetime:
    """A sweep from before this is stale."""
    return datetime.now(UTC) - STALE_AFTER * timedelta(seconds=settings.audit_seconds)


async def summary(session: AsyncSession, service: str) -> tuple[bool, list[str]]:
    """Whether all is well, and a line for each check, or for each violation where it found some."""
    sweep = await session.get(AuditSweep, service)
    if sweep is None:
        return False, ["never audited"]
    stale = sweep.checked_at < horizon(settings_of(session))
    first = f"audited at {sweep.checked_at:%Y-%m-%d %H:%M:%S}Z{', too long ago' if stale else ''}"
    faults = [one for one in sweep.checks if one.violations]
    return not (stale or faults), [first, *(line for one in sweep.checks for line in lines_of(one))]


def lines_of(one: Outcome) -> list[str]:
    if not one.violations:
        return [f"{one.invariant:<4} ok    {one.title}"]
    wrong = f"{one.invariant:<4} WRONG {one.title}"
    return [
        f"{wrong}: {found.subject}: {found.detail} (since {found.since:%Y-%m-%d %H:%M:%S}Z)" for found in one.violations
    ]


async def measure(sessions: Sessions, metrics: Metrics) -> None:
    """Violations by invariant, and when that was: from the table, so that every replica says the same."""
    async with sessions.begin() as session:
        sweep = await session.get(AuditSweep, metrics.service)
    if sweep is None:
        return
    counts = dict.fromkeys((one.invariant for one in sweep.checks), 0)
    for one in sweep.checks:
        counts[one.invariant] += len(one.violations)
    for invariant, count in counts.items():
        metrics.audit_violations.labels(metrics.service, invariant).set(count)
    metrics.audit_checked_at.labels(metrics.service).set(sweep.checked_at.timestamp())
