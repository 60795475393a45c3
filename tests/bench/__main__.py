"""`make bench`: how fast Marquee is, each figure next to a bound of the same run, or next to what is promised.

Machines differ and are noisy, so look at the ratios. The bounds:

- holds: `pgbench` running the same claim statement and rows, with as many clients and no Python;
- seat maps: a static JSON answer of the same server process;
- from hold to tickets: the four requests of it as static answers, and its commits at one claim statement each;
- reports: one plain walk through all orders.

A promise that is not kept makes it fail. `ONLY="films reports"` measures some parts.
"""

import asyncio
import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from infra.local.testing import disposable_broker
from tests.bench import audit, claims, importing, latency, maps, reports, search, taste
from tests.stack import EVERYTHING, running_stack


@dataclass(frozen=True)
class Row:
    """`judged` is a ratio, or whether a promise was kept."""

    what: str
    measured: str
    bound: str = ""
    judged: str = ""

    @property
    def is_missed(self) -> bool:
        return self.judged == MISSED


KEPT, MISSED = "kept", "MISSED"
REPORT_SECONDS = 1.0


def compared(what: str, measured: float, bound: float) -> Row:
    """Both in events a second."""
    return Row(what, f"{measured:,.0f}/s", f"{bound:,.0f}/s", f"{measured / bound:.2f}")


def promised(what: str, seconds: float, at_most: float) -> Row:
    return Row(what, duration(seconds), f"< {duration(at_most)}", KEPT if seconds < at_most else MISSED)


def duration(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"


def show(rows: Iterable[Row]) -> bool:
    """Prints them as they come. Whether every promise was kept."""
    print(f"{'what':<48}{'measured':>16}{'bound':>16}{'ratio':>8}", flush=True)
    is_good = True
    for row in rows:
        print(f"{row.what:<48}{row.measured:>16}{row.bound:>16}{row.judged:>8}".rstrip(), flush=True)
        is_good &= not row.is_missed
    return is_good


def bench_holds() -> list[Row]:
    """Two processes of reservations alone. The broker rests during the rush, as it does for pgbench: the events wait in
    the outbox, and how fast they leave it is measured afterwards."""
    layout = (("users", "theaters", "catalog"), ("ticketing",), ("reservations",), ("reservations",))
    with disposable_broker() as broker, running_stack(layout=layout, bus_url=broker.url, durable=True) as stack:
        sale = asyncio.run(claims.prepare(stack))
        stack.stop_workers("users", "ticketing")
        broker.stop()
        over_http = asyncio.run(claims.over_http(stack, sale))
        broker.start()
        sent = claims.drain(stack)
        stack.stop_workers("reservations")
        bound = claims.pgbench(stack, sale)
    milliseconds = f"{over_http.typical * 1000:.0f} / {over_http.p95 * 1000:.0f} ms"
    return [
        compared("holds of 2 seats, 32 clients, 2 processes", over_http.rate, bound),
        Row("  one of them, median / p95", milliseconds),
        Row("  events from outbox to RabbitMQ", f"{sent:,.0f}/s"),
    ]


def bench_booking() -> list[Row]:
    with running_stack(durable=True) as stack:
        reads, static = asyncio.run(maps.read(stack))
        journey, bound = asyncio.run(latency.measure(stack))
    way = "from hold to tickets, all in one process"
    return [
        compared("seat maps of 300 seats, 32 clients, 1 process", reads.rate, static.rate),
        Row(way, duration(journey), duration(bound), f"{bound / journey:.2f}"),
    ]


def bench_films() -> list[Row]:
    with running_stack(durable=True) as stack:
        seconds = importing.fill(stack)
        asked = asyncio.run(search.measure(stack))
    imported = promised(f"import of {importing.FILMS:,} films", seconds, importing.PROMISED_SECONDS)
    return [imported, *(promised(f"  {kind}, p95", p95, search.PROMISED_SECONDS) for kind, p95 in asked.items())]


def bench_recommendations() -> list[Row]:
    with running_stack(durable=True) as stack:
        taste.fill(stack)
        renewal = asyncio.run(taste.renew(stack))
        asked = asyncio.run(taste.recommend(stack))
    return [
        promised("recommendations, 100,000 visits, p95", asked.p95, taste.PROMISED_SECONDS),
        Row("  whom one film draws, counted anew", duration(renewal)),
    ]


def bench_reports() -> list[Row]:
    """The auditor first, while nothing else runs: it judges whatever moves."""
    with running_stack(durable=True) as stack:
        stack.stop_workers(*EVERYTHING)
        audit.fill(stack)
        swept = audit.measure(stack)
        stack.start_worker(stack.worker("ticketing"))
        stack.wait_until_ready()
        asked, walk = reports.measure(stack)
    return [
        Row(f"one walk through {reports.ORDERS:,} orders", duration(walk)),
        *(promised(f"  {what}", seconds, REPORT_SECONDS) for what, seconds in asked.items()),
        *(promised(f"  audit of {service}", seconds, audit.PROMISED_SECONDS) for service, seconds in swept.items()),
    ]


PARTS: dict[str, Callable[[], list[Row]]] = {
    "holds": bench_holds,
    "booking": bench_booking,
    "films": bench_films,
    "recommendations": bench_recommendations,
    "reports": bench_reports,
}


def main() -> int:
    wanted = os.environ.get("ONLY", "").split() or list(PARTS)
    return 0 if show(row for part in wanted for row in PARTS[part]()) else 1


if __name__ == "__main__":
    sys.exit(main())
