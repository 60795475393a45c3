"""Prometheus metrics: one registry an app, since all services may share a process."""

from prometheus_client import CollectorRegistry, Gauge, Histogram, generate_latest
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST
from starlette.responses import Response

__all__ = ["Metrics", "exposition"]

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """What every service counts; a service adds its own to `registry`."""

    def __init__(self, service: str) -> None:
        self.registry = CollectorRegistry()
        self.requests = Histogram(
            "marquee_http_request_seconds",
            "Time to answer, by route.",
            ["service", "method", "route", "status"],
            registry=self.registry,
            buckets=SECONDS,
        )
        self.outbox = Gauge("marquee_outbox_events", "Events waiting for the bus.", ["service"], registry=self.registry)
        self.outbox_age = Gauge(
            "marquee_outbox_age_seconds", "Age of the oldest event waiting.", ["service"], registry=self.registry
        )
        self.dead_letters = Gauge(
            "marquee_dead_letters", "Messages that wait for a person.", ["service"], registry=self.registry
        )
        self.alive = Gauge(
            "marquee_part_alive", "1 if a background part runs, else 0.", ["service", "part"], registry=self.registry
        )
        self.audit_violations = Gauge(
            "marquee_audit_violations",
            "What the auditor's last sweep found, by invariant.",
            ["service", "invariant"],
            registry=self.registry,
        )
        self.audit_checked_at = Gauge(
            "marquee_audit_checked_at", "When the auditor's last sweep began.", ["service"], registry=self.registry
        )
        self.service = service

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        self.requests.labels(self.service, method, route, str(status)).observe(seconds)


def exposition(registries: list[CollectorRegistry]) -> Response:
    """The text format of all registries of this process."""
    return Response(b"".join(generate_latest(registry) for registry in registries), media_type=CONTENT_TYPE_LATEST)
