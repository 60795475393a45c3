"""`make bench`: how fast Marquee is, each figure next to a bound that was taken in the same run.

Machines differ and are noisy, so look at the ratios. The bounds:

- holds: `pgbench` running the same claim statement and rows, with as many clients and no Python;
- seat maps: a static JSON answer of the same server process;
- recommendations: what we promise for 10,000 films, 10,000 users and 100,000 visits;
- from hold to tickets: the four requests of it as static answers, and its commits at one claim statement each.
"""

import asyncio
import sys
from dataclasses import dataclass

from infra.local.testing import disposable_broker
from tests.bench import claims, latency, maps, taste
from tests.stack import EVERYTHING, running_stack


@dataclass(frozen=True)
class Row:
    what: str
    measured: str
    bound: str = ""
    ratio: float | None = None


def show(rows: list[Row]) -> None:
    print(f"{'what':<48}{'measured':>16}{'bound':>16}{'ratio':>8}")
    for row in rows:
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        print(f"{row.what:<48}{row.measured:>16}{row.bound:>16}{ratio:>8}".rstrip())


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
        Row(
            "holds of 2 seats, 32 clients, 2 processes",
            f"{over_http.rate:,.0f}/s",
            f"{bound:,.0f}/s",
            over_http.rate / bound,
        ),
        Row("  one of them, median / p95", milliseconds),
        Row("  events from outbox to RabbitMQ", f"{sent:,.0f}/s"),
    ]


def bench_the_rest() -> list[Row]:
    with running_stack(layout=(EVERYTHING,), durable=True) as stack:
        reads, static = asyncio.run(maps.read(stack))
        journey, bound = asyncio.run(latency.measure(stack))
    return [
        Row(
            "seat maps of 300 seats, 32 clients, 1 process",
            f"{reads.rate:,.0f}/s",
            f"{static.rate:,.0f}/s",
            reads.rate / static.rate,
        ),
        Row(
            "from hold to tickets, all in one process",
            f"{journey * 1000:.0f} ms",
            f"{bound * 1000:.0f} ms",
            bound / journey,
        ),
    ]


def bench_taste() -> list[Row]:
    with running_stack(layout=(EVERYTHING,), durable=True) as stack:
        taste.fill(stack)
        seconds = asyncio.run(taste.renew(stack))
        asked = asyncio.run(taste.recommend(stack))
    milliseconds = f"{asked.typical * 1000:.0f} / {asked.p95 * 1000:.0f} ms"
    bound = taste.PROMISED_SECONDS
    return [
        Row("recommendations, median / p95", milliseconds, f"{bound * 1000:.0f} ms", bound / asked.p95),
        Row("  renewing whom one film draws", f"{seconds * 1000:.0f} ms"),
    ]


def main() -> int:
    show([*bench_holds(), *bench_the_rest(), *bench_taste()])
    return 0


if __name__ == "__main__":
    sys.exit(main())
