"""A service: its routes, its event handlers, its jobs, its own schema, its side of the bus."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.responses import JSONResponse

from services.shared import audit as auditing
from services.shared import bus, db, docs, errors, idempotency, keys, mail
from services.shared.auth import Verifier
from services.shared.dead_letters.api import router as dead_letters
from services.shared.events import SUBSCRIPTIONS
from services.shared.http import RequestContext
from services.shared.jobs import Health, Job, Work, run_for_ever, supervise
from services.shared.messaging import Consumer, Handlers
from services.shared.messaging.history import keep_history, prune_inbox
from services.shared.messaging.outbox import relay_for_ever
from services.shared.messaging.watch import check_bus, check_database, measure
from services.shared.metrics import Metrics, exposition
from services.shared.settings import Settings
from services.shared.signals import Signals
from services.shared.staff_trail.api import router as staff_actions

# Opens what a service needs beside database and bus, such as a payment provider's client, and puts it into app.state.
Resources = Callable[[FastAPI], AbstractAsyncContextManager[None]]

HOUSE_SECONDS = 3600.0
MESSAGES_ONLY = auditing.Audit()
REFUSED: dict[int | str, dict[str, Any]] = {
    status: {"model": errors.Problem, "description": what}
    for status, what in (
        ("4XX", f"Refused; `code` says why. Everywhere: {', '.join(f'`{code}`' for code in errors.REFUSED)}."),
        ("5XX", f"Failed on our side, nothing is half done: {', '.join(f'`{code}`' for code in errors.FAILED)}."),
    )
}


def create_app(
    name: str,
    router: APIRouter,
    handlers: Handlers,
    jobs: Sequence[Job] = (),
    resources: Resources | None = None,
    audit: auditing.Audit = MESSAGES_ONLY,
) -> FastAPI:
    """Raises ValueError if `handlers` and `events.SUBSCRIPTIONS` do not name the same events."""
    if set(handlers) != SUBSCRIPTIONS[name]:
        odd = ", ".join(sorted(event.__name__ for event in set(handlers) ^ SUBSCRIPTIONS[name]))
        raise ValueError(f"HANDLERS and SUBSCRIPTIONS[{name!r}] differ: {odd}")

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            await start(app, name, stack)
            if resources:
                await stack.enter_async_context(resources(app))
            auditor = auditing.Auditor(name, audit)
            await start_work(app, name, handlers, (*jobs, audit_job(auditor, app.state.settings)), stack)
            yield

    app = new_app(name, lifespan)
    # First, since a service may have a route `/{id}`.
    app.include_router(staff_actions, prefix=f"/api/{name}")
    app.include_router(dead_letters, prefix=f"/api/{name}")
    app.include_router(router, prefix=f"/api/{name}")
    return app


def new_app(name: str, lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]]) -> FastAPI:
    """What is the same in every service's app before it has routes of its own."""
    app = docs.DocumentedApp(
        title=f"Marquee {name}",
        version="1",
        description=docs.RULES,
        lifespan=lifespan,
        openapi_url=f"/api/{name}/openapi.json",
        docs_url=None,
        redoc_url=None,
        responses=REFUSED,
    )
    app.state.metrics = Metrics(name)
    app.state.health = Health()
    app.add_api_route("/healthz", healthz, include_in_schema=False)
    app.add_api_route("/readyz", readiness(app, name), include_in_schema=False)
    app.add_api_route("/metrics", lambda: exposition([app.state.metrics.registry]), include_in_schema=False)
    app.add_middleware(RequestContext, metrics=app.state.metrics)
    errors.install(app)
    docs.install(app, name)
    return app


async def start(app: FastAPI, name: str, stack: AsyncExitStack) -> None:
    """The service's settings, database and keys, in `app.state`."""
    settings = Settings.load(name)
    engine = db.connect(settings)
    stack.push_async_callback(engine.dispose)
    app.state.settings = settings
    app.state.sessions = db.Sessions(engine, settings, Signals())
    ring = None if settings.jwks_url else keys.parse(settings.signing_keys, "MARQUEE_SIGNING_KEYS")
    app.state.verifier = Verifier(ring, settings.jwks_url)


async def start_work(app: FastAPI, name: str, handlers: Handlers, jobs: Sequence[Job], stack: AsyncExitStack) -> None:
    """The relay, the consumer, the jobs: each supervised, all cancelled at the end."""
    sessions, health = app.state.sessions, app.state.health
    async with sessions.begin() as session:
        await keep_history(session)
    carrier = app.state.bus = await bus.connect(app.state.settings.bus_url, name)
    stack.push_async_callback(carrier.close)
    consumer = Consumer(sessions, handlers)
    await carrier.subscribe(name, consumer.receive, consumer.bury)
    work = Work(sessions, app.state)
    background: list[tuple[str, Callable[[], Awaitable[None]]]] = [
        ("relay", lambda: relay_for_ever(sessions, carrier)),
        ("parked", consumer.retry_for_ever),
    ]
    background += [(job.name, partial(run_for_ever, job, work)) for job in (*SHARED_JOBS, *jobs)]
    tasks = [asyncio.create_task(supervise(part, run, health), name=f"{name} {part}") for part, run in background]
    stack.push_async_callback(stop, tasks)


async def stop(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def keep_house(work: Work) -> None:
    """Make the event log's next days; forget what has been kept for long enough."""
    async with work.sessions.begin() as session:
        await keep_history(session)
    for prune in (prune_inbox, mail.prune, idempotency.prune):
        await prune(work.sessions)


def audit_job(auditor: auditing.Auditor, settings: Settings) -> Job:
    """Not at the start: first what has waited for us is worked on."""
    return Job(auditor.audit, seconds=settings.audit_seconds, at_start=False)


async def measure_audit(work: Work) -> None:
    await auditing.measure(work.sessions, work.state.metrics)


async def measure_messages(work: Work) -> None:
    await measure(work.sessions, work.state.metrics)


SHARED_JOBS = (
    Job(keep_house, seconds=HOUSE_SECONDS),
    Job(measure_messages, seconds=5, everywhere=True),
    Job(measure_audit, seconds=5, everywhere=True),
    Job(mail.send_due, seconds=1, wake=mail.SIGNAL),
)


def readiness(app: FastAPI, name: str) -> Callable[[], Any]:
    async def readyz() -> JSONResponse:
        """Database, bus, relay and jobs; 503 names what is dead."""
        return readiness_answer({name: await faults(app, name)})

    return readyz


def readiness_answer(faults_by_service: dict[str, dict[str, str]]) -> JSONResponse:
    dead = {name: found for name, found in faults_by_service.items() if found}
    return JSONResponse({"ready": not dead, "faults": dead}, 503 if dead else 200)


async def faults(app: FastAPI, name: str) -> dict[str, str]:
    """What is wrong with a service's database, bus and background parts, by part."""
    found = {"database": await check_database(app.state.sessions), "bus": await check_bus(app.state.bus, name)}
    found |= app.state.health.faults
    return {part: fault for part, fault in found.items() if fault}


async def healthz() -> dict[str, bool]:
    """The process is up."""
    return {"up": True}
