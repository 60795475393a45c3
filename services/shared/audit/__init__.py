"""Is everything as it must be? `INVARIANTS` says what, the services' `CHECKS` ask, the auditor sweeps every minute."""

from services.shared.audit.checks import Audit, Check, Found, Values, Walk, ask
from services.shared.audit.invariants import INVARIANTS, Invariant
from services.shared.audit.sweeps import Auditor, AuditSweep, horizon, keep, measure, summary

__all__ = [
    "INVARIANTS",
    "Audit",
    "AuditSweep",
    "Auditor",
    "Check",
    "Found",
    "Invariant",
    "Values",
    "Walk",
    "ask",
    "horizon",
    "keep",
    "measure",
    "summary",
]
