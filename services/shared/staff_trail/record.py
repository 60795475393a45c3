"""Writing the trail down.

`auth` calls `watch` for each signed-in member of the staff who is about to change something. Whoever opens the
request's transaction then calls the witness before the commit (`db.py`): where a route takes `Session` in that one,
where it takes `Transactions` in the first that wrote something, so that no effect goes without its row. A request that
was refused leaves none, unless it was refused after that. What goes around both is noted in a transaction of its own,
before the answer leaves (`http.py`).
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import Request
from pydantic_core import from_json, to_jsonable_python
from sqlalchemy import Index, func
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from services.shared.ids import new_id
from services.shared.logging import request_id
from services.shared.messaging.tables import Base

READING = ("GET", "HEAD", "OPTIONS")
# Doors have a table of their own, and one's own account is nobody's business.
ELSEWHERE = ("checkins", "me")
# What nobody may read here: secrets, and persons, whom an append-only table could not forget.
PRIVATE = frozenset({"password", "current_password", "new_password", "token", "email", "full_name", "holder_name"})
HIDDEN = "***"
LARGEST_BODY = 4096


class StaffAction(Base):
    """A change that somebody of the staff made. The database refuses to change or delete it.

    `route` is the path's template and `ids` what stood in its braces. `body` is the request's JSON without what is
    private; of a large one, size and SHA-256.
    """

    __tablename__ = "staff_action"
    __table_args__ = (Index("staff_action_user_idx", "user_id", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    user_id: Mapped[UUID]
    role: Mapped[str]
    method: Mapped[str]
    route: Mapped[str]
    ids: Mapped[dict[str, Any]]
    request_id: Mapped[str]
    body: Mapped[dict[str, Any] | None]


@dataclass
class Witness:
    """Saw who asks, and writes it down once the use case has gone through."""

    request: Request
    user_id: UUID
    role: str
    noted: bool = False

    async def note(self, session: AsyncSession) -> None:
        action = StaffAction(
            user_id=self.user_id,
            role=self.role,
            method=self.request.method,
            route=f"/api/{part_of(self.request.url.path, 2)}{self.request.scope['route'].path}",
            ids=to_jsonable_python(self.request.path_params),
            request_id=request_id(),
            body=shown(await json_body(self.request)),
        )
        session.add(action)
        self.noted = True


def watch(request: Request, user_id: UUID, role: str) -> None:
    """From now on the request has a witness, if it is one to change something with."""
    if request.method not in READING and part_of(request.url.path, 3) not in ELSEWHERE:
        request.state.witness = Witness(request, user_id, role)


def part_of(path: str, place: int) -> str:
    """`/api/<service>/<noun>/...` has the service in place 2 and the noun in place 3."""
    parts = path.split("/")
    return parts[place] if place < len(parts) else ""


async def json_body(request: Request) -> bytes:
    """What FastAPI has read as JSON. A stream of films or a picture has gone by and is not kept."""
    is_json = request.headers.get("content-type", "").startswith("application/json")
    return await request.body() if is_json and request.scope["route"].body_field else b""


def shown(raw: bytes) -> dict[str, Any] | None:
    if not raw:
        return None
    try:
        value = from_json(raw, allow_inf_nan=False) if len(raw) <= LARGEST_BODY and rb"\u0000" not in raw else None
    except ValueError:
        value = None
    return masked(value) if isinstance(value, dict) else {"bytes": len(raw), "sha256": hashlib.sha256(raw).hexdigest()}


def masked(value: Any) -> Any:
    match value:
        case dict():
            return {name: HIDDEN if name in PRIVATE else masked(part) for name, part in value.items()}
        case list():
            return [masked(part) for part in value]
    return value
