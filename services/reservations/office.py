"""What a process needs to take seats without a detour: its own connections, the offers, news of the bus."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, FastAPI, Request

from services.reservations.live import Hub
from services.reservations.offers import Offers
from services.reservations.reception import Reception
from services.reservations.statements import Statements, connected
from services.shared.db import Sessions
from services.shared.settings import Settings

# The part of /readyz that says whether the messages that waited for us have been read.
UNREAD = "backlog"


@dataclass(frozen=True)
class Office:
    """The box office of one process."""

    statements: Statements
    sessions: Sessions
    offers: Offers
    reception: Reception
    hub: Hub

    @property
    def settings(self) -> Settings:
        return self.sessions.settings


@asynccontextmanager
async def opened(app: FastAPI) -> AsyncIterator[None]:
    """Put the office into `app.state.office`."""
    sessions: Sessions = app.state.sessions
    async with connected(sessions.settings) as statements:
        app.state.health.report(UNREAD, "not read yet")
        app.state.office = Office(statements, sessions, Offers(sessions), Reception(), Hub(statements))
        yield


async def office_of(request: Request) -> Office:
    return cast("Office", request.app.state.office)


AtOffice = Annotated[Office, Depends(office_of)]
