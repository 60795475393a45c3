"""Several services in one process: "all in one" is only a different list of what is started."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from importlib import import_module

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from services.shared.app import faults, healthz, readiness_answer
from services.shared.errors import problem
from services.shared.metrics import exposition

SERVICES = ("users", "theaters", "catalog", "reservations", "ticketing")


def load(name: str) -> FastAPI:
    app: FastAPI = import_module(f"services.{name}.app").app
    return app


def build(names: Sequence[str] = SERVICES) -> ASGIApp:
    """An ASGI app of the named services. It does what the gateway does: `/api/<service>/...` goes to that service."""
    apps = {name: load(name) for name in names}

    @asynccontextmanager
    async def lifespan(_: object) -> AsyncIterator[None]:
        # A mounted app's lifespan does not run by itself.
        async with AsyncExitStack() as stack:
            for app in apps.values():
                await stack.enter_async_context(app.router.lifespan_context(app))
            yield

    async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
        match scope.get("path", "").split("/"):
            case ["", "api", name, *_] if name in apps:
                await apps[name](scope, receive, send)
            case _:
                await problem(404, "not_found", "There is nothing here.")(scope, receive, send)

    return Router(own_routes(apps), default=dispatch, lifespan=lifespan)


def own_routes(apps: Mapping[str, FastAPI]) -> list[Route]:
    """What the process itself answers, on its own port only."""

    async def ready(_: Request) -> Response:
        return readiness_answer({name: await faults(app, name) for name, app in apps.items()})

    async def health(_: Request) -> Response:
        return JSONResponse(await healthz())

    async def metrics(_: Request) -> Response:
        return exposition([app.state.metrics.registry for app in apps.values()])

    return [Route("/healthz", health), Route("/readyz", ready), Route("/metrics", metrics)]
