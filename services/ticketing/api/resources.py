"""What the service opens beside its database and bus."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, cast

from fastapi import Depends, FastAPI, Request

from services.ticketing.commands.budgets import shared_budget
from services.ticketing.payments import Payments, opened


@asynccontextmanager
async def resources(app: FastAPI) -> AsyncIterator[None]:
    async with opened(app.state.settings, shared_budget(app.state.sessions)) as app.state.payments:
        yield


def payments_of(request: Request) -> Payments:
    return cast("Payments", request.app.state.payments)


Provider = Annotated[Payments, Depends(payments_of)]
