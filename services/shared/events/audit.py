"""What the auditor of each service has found."""

from datetime import datetime

from services.shared.events.parts import Event, Fact


class Violation(Fact):
    """One thing that is not as it must be. `subject` is what it is about, a booking's id where there is one."""

    subject: str
    detail: str
    since: datetime


class Outcome(Fact):
    """What one check came to; at most the first 50 violations are listed."""

    invariant: str
    title: str
    violations: list[Violation]


class InvariantsChecked(Event):
    """A service has asked its own tables; `occurred_at` is when. Each service says it, hence the first word of its
    routing key."""

    by = "every"
    service: str
    outcomes: list[Outcome]
