"""Reading the trail."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from sqlalchemy import select

from services.shared.auth import Admin
from services.shared.db import Session
from services.shared.paging import Page, PageOf, Rows, page
from services.shared.schemas import View
from services.shared.staff_trail.record import StaffAction

router = APIRouter(tags=["staff actions"])

LAST_DAY = date(9000, 1, 1)  # one more must still be a day


class StaffActionView(View):
    """One change: who, by which request; `body` without secrets and persons, or size and SHA-256 of a large one."""

    id: UUID
    at: datetime
    user_id: UUID
    role: str
    method: str
    route: str
    ids: dict[str, Any]
    request_id: str
    body: dict[str, Any] | None


@router.get("/staff-actions", response_model=Page[StaffActionView])
async def staff_actions(
    session: Session,
    _: Admin,
    place: PageOf,
    user_id: UUID | None = None,
    first: Annotated[date | None, Query(alias="from", le=LAST_DAY, description="The first day, in UTC.")] = None,
    last: Annotated[date | None, Query(alias="to", le=LAST_DAY, description="The last day, in UTC.")] = None,
) -> Rows[StaffAction]:
    """What staff, managers and admins have changed here, newest first."""
    found = select(StaffAction)
    if user_id:
        found = found.where(StaffAction.user_id == user_id)
    if first:
        found = found.where(StaffAction.at >= midnight(first))
    if last:
        found = found.where(StaffAction.at < midnight(last) + timedelta(days=1))
    return await page(session, found, place, StaffAction.id, descending=True)


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
