"""The same over HTTP as on the command line (`services/__main__.py`)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from services.shared import dead_letters
from services.shared.auth import Admin
from services.shared.db import Session
from services.shared.errors import DomainError, refusals
from services.shared.schemas import Input, View

router = APIRouter(prefix="/dead-letters", tags=["dead letters"])


class DeadLettersNotFound(DomainError):
    status = 404
    detail = "There are no dead letters of this fingerprint. Ask for the list: somebody may have been quicker."


class CauseView(View):
    fingerprint: Annotated[str, Field(examples=["ValueError at services/users/x.py:y"])]
    name: Annotated[str, Field(description="The event.", examples=["SeatHeld"])]
    count: int
    since: datetime
    error: str


class CauseList(View):
    items: list[CauseView]
    next_cursor: None = None


class Handling(Input):
    fingerprint: Annotated[str, Field(min_length=1, max_length=1000, examples=["ValueError at services/users/x.py:y"])]
    reason: Annotated[str, Field(min_length=1, max_length=500, examples=["fixed in release 7"])]


class HandledView(View):
    count: int


@router.get("", response_model=CauseList)
async def list_dead_letters(session: Session, _: Admin) -> dict[str, Sequence[dead_letters.Cause]]:
    """Messages that wait for a person, by cause."""
    return {"items": await dead_letters.causes(session)}


@router.post("/replay", response_model=HandledView, responses=refusals(DeadLettersNotFound))
async def replay_dead_letters(session: Session, body: Handling, admin: Admin) -> dict[str, int]:
    """Try the messages of one cause again; each keeps its id, so that nothing happens twice."""
    return handled(await dead_letters.replay(session, body.fingerprint, str(admin.id), body.reason))


@router.post("/discard", response_model=HandledView, responses=refusals(DeadLettersNotFound))
async def discard_dead_letters(session: Session, body: Handling, admin: Admin) -> dict[str, int]:
    """Drop the messages of one cause for good; who did it and why is kept."""
    return handled(await dead_letters.discard(session, body.fingerprint, str(admin.id), body.reason))


def handled(count: int) -> dict[str, int]:
    if count == 0:
        raise DeadLettersNotFound
    return {"count": count}
