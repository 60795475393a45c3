"""JSON about the auditor's sweeps."""

from datetime import datetime

from pydantic import Field

from services.shared.schemas import View


class ViolationView(View):
    service: str
    title: str = Field(description="What the check found to be untrue.")
    subject: str = Field(description="What it is about; a booking's id where there is one.")
    detail: str
    since: datetime = Field(description="The first sweep that found it.")


class CheckView(View):
    service: str
    title: str
    checked_at: datetime
    violations: int


class InvariantView(View):
    invariant: str = Field(examples=["I1"])
    title: str
    asked: bool = Field(description="False: no query can ask it, or none has yet; `proven_by` names the test.")
    proven_by: str | None
    checked_at: datetime | None = Field(description="The oldest answer of its checks; null before the first sweep.")
    violations: list[ViolationView]
    checks: list[CheckView]


class ServiceSweepView(View):
    service: str
    checked_at: datetime | None
    stale: bool = Field(description="Its last sweep is older than three of them should be.")


class AuditView(View):
    checked_at: datetime | None = Field(description="The oldest of the services' last sweeps.")
    healthy: bool = Field(description="Every service has looked lately, and none has found anything.")
    invariants: list[InvariantView]
    services: list[ServiceSweepView]
