"""The sandbox as one ASGI application: Stripe under /sandbox/v1, pages and switches under /sandbox."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Annotated

from fastapi import Body, FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from infra.sandbox import api, disputes, endpoints, mail, pages
from infra.sandbox.errors import ApiError
from infra.sandbox.forms import read_fields, validate
from infra.sandbox.params import CloseDispute, CreateDispute
from infra.sandbox.settings import SandboxSettings
from infra.sandbox.store import Store
from infra.sandbox.timers import Clock
from infra.sandbox.trouble import Trouble, TroubleSettings
from infra.sandbox.webhooks import Courier
from infra.sandbox.world import Call, World

DATABASE = "sandbox.sqlite3"


def create_app(settings: SandboxSettings) -> FastAPI:
    """Opens its database when it starts up. `app.state.smtp_port` is the mailbox's port, None without one."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        store = Store(settings.var / DATABASE)
        try:
            world = World(settings, store, Trouble(store))
            endpoints.install_default(store, settings)
            app.state.world, app.state.door = world, api.Door(world)
            async with _mailbox(app, world), _running(Courier(world), Clock(world)):
                yield
        finally:
            store.close()

    app = FastAPI(title="Marquee sandbox", lifespan=lifespan, openapi_url=None)
    app.router.routes.extend(api.routes())
    app.include_router(pages.router)
    app.add_api_route("/healthz", healthz, methods=["GET"])
    app.add_api_route("/sandbox/trouble", trouble, methods=["GET"])
    app.add_api_route("/sandbox/trouble", set_trouble, methods=["POST"])
    app.add_route("/sandbox/disputes", open_dispute, methods=["POST"])
    app.add_route("/sandbox/disputes/{id}/close", close_dispute, methods=["POST"])
    return app


@asynccontextmanager
async def _mailbox(app: FastAPI, world: World) -> AsyncIterator[None]:
    app.state.smtp_port = None
    if world.settings.smtp_port is None:
        yield
        return
    server = await mail.listen(world.store, world.settings.smtp_host, world.settings.smtp_port)
    app.state.smtp_port = server.sockets[0].getsockname()[1]
    async with server:
        yield


@asynccontextmanager
async def _running(*workers: Courier | Clock) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(worker.run()) for worker in workers]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def healthz() -> dict[str, str]:
    return {"status": "ok"}


async def trouble(request: Request) -> TroubleSettings:
    world: World = request.app.state.world
    return world.trouble.settings


async def set_trouble(request: Request, settings: Annotated[TroubleSettings | None, Body()] = None) -> TroubleSettings:
    """Replaces all trouble; without a body, or with `{}`, there is none any more."""
    world: World = request.app.state.world
    world.trouble.set(settings or TroubleSettings())
    return world.trouble.settings


async def open_dispute(request: Request) -> Response:
    call = Call(request.app.state.world)
    try:
        params = validate(CreateDispute, await read_fields(request, accepts_json=True))
        with call.store.transaction():
            return JSONResponse(disputes.create(call, params))
    except ApiError as error:
        return JSONResponse(error.body, error.status)


async def close_dispute(request: Request) -> Response:
    call = Call(request.app.state.world)
    try:
        params = validate(CloseDispute, await read_fields(request, accepts_json=True))
        with call.store.transaction():
            return JSONResponse(disputes.close(call, params, request.path_params["id"]))
    except ApiError as error:
        return JSONResponse(error.body, error.status)
