"""What the auditors of all services have found."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.shared.audit import INVARIANTS, AuditSweep, Invariant, horizon
from services.shared.db import settings_of
from services.shared.events import SUBSCRIPTIONS, Violation

NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class FoundViolation:
    """What the check `title` of `service` has found."""

    service: str
    title: str
    subject: str
    detail: str
    since: datetime


@dataclass(frozen=True)
class CheckOutcome:
    service: str
    title: str
    checked_at: datetime
    violations: int


@dataclass(frozen=True)
class InvariantReport:
    """`checked_at` is the oldest answer to any of its checks, None before the first; without checks it is not
    `asked`, and `proven_by` says which test shows that it holds."""

    invariant: str
    title: str
    asked: bool
    proven_by: str | None
    checked_at: datetime | None
    violations: Sequence[FoundViolation]
    checks: Sequence[CheckOutcome]


@dataclass(frozen=True)
class SweepReport:
    service: str
    checked_at: datetime | None
    stale: bool


@dataclass(frozen=True)
class AuditReport:
    """`healthy`: every service has looked lately, and none has found anything."""

    checked_at: datetime | None
    healthy: bool
    invariants: Sequence[InvariantReport]
    services: Sequence[SweepReport]


async def report(session: AsyncSession) -> AuditReport:
    """The last sweep of each service, invariant by invariant."""
    sweeps = (await session.scalars(select(AuditSweep).order_by(AuditSweep.service))).all()
    stale_before = horizon(settings_of(session))
    by_service = {sweep.service: sweep.checked_at for sweep in sweeps}
    services = [
        SweepReport(name, by_service.get(name), stale=by_service.get(name, NEVER) < stale_before)
        for name in SUBSCRIPTIONS
    ]
    outcomes, violations = sorted_by_invariant(sweeps)
    invariants = [about(invariant, outcomes[invariant.code], violations[invariant.code]) for invariant in INVARIANTS]
    return AuditReport(
        checked_at=min(by_service.values(), default=None),
        healthy=not any(service.stale for service in services) and not any(one.violations for one in invariants),
        invariants=invariants,
        services=services,
    )


def sorted_by_invariant(
    sweeps: Iterable[AuditSweep],
) -> tuple[dict[str, list[CheckOutcome]], dict[str, list[FoundViolation]]]:
    outcomes: dict[str, list[CheckOutcome]] = defaultdict(list)
    violations: dict[str, list[FoundViolation]] = defaultdict(list)
    for sweep in sweeps:
        for check in sweep.checks:
            outcome = CheckOutcome(sweep.service, check.title, sweep.checked_at, len(check.violations))
            outcomes[check.invariant].append(outcome)
            violations[check.invariant] += [found(sweep.service, check.title, one) for one in check.violations]
    return outcomes, violations


def found(service: str, title: str, violation: Violation) -> FoundViolation:
    return FoundViolation(service, title, violation.subject, violation.detail, violation.since)


def about(invariant: Invariant, checks: list[CheckOutcome], violations: list[FoundViolation]) -> InvariantReport:
    return InvariantReport(
        invariant=invariant.code,
        title=invariant.says,
        asked=bool(checks),
        proven_by=invariant.proof or None,
        checked_at=min((check.checked_at for check in checks), default=None),
        violations=violations,
        checks=checks,
    )
