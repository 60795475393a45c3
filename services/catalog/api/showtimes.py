"""Showtimes."""

import datetime as dt
from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import AwareDatetime

from services.catalog import commands, queries
from services.catalog.api.caching import shortly
from services.catalog.errors import (
    FreeHall,
    HallBusy,
    HallNotFound,
    MovieNotFound,
    NotScheduled,
    PricesIncomplete,
    ShowtimeNotFound,
)
from services.catalog.models import Showtime
from services.catalog.plans import Plan
from services.catalog.schemas import BatchView, Cancellation, FreeHallList, Pattern, ShowtimePatch, ShowtimeView
from services.shared.auth import Manager
from services.shared.db import Session, Transactions, arrived
from services.shared.errors import refusals
from services.shared.paging import Page, PageOf, Rows

router = APIRouter(tags=["showtimes"])
CACHED = [Depends(shortly)]

Filters = Annotated[queries.ShowtimeFilters, Depends()]
Moment = AwareDatetime | dt.date
From = Annotated[Moment, Query(alias="from", description="A time with its zone, or a day in the theater's zone")]


@router.get("/showtimes", response_model=Page[ShowtimeView], dependencies=CACHED)
async def list_showtimes(session: Session, filters: Filters, place: PageOf) -> Rows[Showtime]:
    """Showtimes to come, the next ones first; all filters hold together."""
    return await queries.showtimes(session, filters, place)


@router.get(
    "/showtimes/{showtime_id}", response_model=ShowtimeView, dependencies=CACHED, responses=refusals(ShowtimeNotFound)
)
async def read_showtime(session: Session, showtime_id: UUID) -> Showtime:
    """One showtime, also a past or a cancelled one."""
    return await queries.showtime(session, showtime_id)


@router.post(
    "/showtimes",
    response_model=ShowtimeView,
    status_code=201,
    responses=refusals(HallNotFound, MovieNotFound, PricesIncomplete, HallBusy),
)
async def schedule_showtime(session: Session, transactions: Transactions, body: Plan, _: Manager) -> Showtime:
    """Schedule a film; refused if the hall is not free, with what is in the way and which halls are free."""
    await arrived(transactions, partial(queries.open_hall, hall_id=body.hall_id), body.hall_id, HallNotFound)
    return await commands.schedule_showtime(session, body)


@router.post(
    "/showtimes/batch",
    response_model=BatchView,
    status_code=201,
    responses=refusals(HallNotFound, MovieNotFound, PricesIncomplete, HallBusy),
)
async def schedule_batch(
    session: Session, transactions: Transactions, body: Pattern, response: Response, _: Manager
) -> commands.Batch:
    """Schedule a film at some times of some days: all or none. A dry run answers 200 with the conflicts."""
    await arrived(transactions, partial(queries.open_hall, hall_id=body.hall_id), body.hall_id, HallNotFound)
    response.status_code = 200 if body.dry_run else 201
    return await commands.schedule_batch(session, body, body.days, body.clock(), dry_run=body.dry_run)


@router.patch(
    "/showtimes/{showtime_id}",
    response_model=ShowtimeView,
    responses=refusals(ShowtimeNotFound, NotScheduled, PricesIncomplete, HallBusy),
)
async def change_showtime(session: Session, showtime_id: UUID, body: ShowtimePatch, _: Manager) -> Showtime:
    """Change time, prices or rules of a showtime to come; sold tickets keep their price."""
    return await commands.change_showtime(session, showtime_id, body.changes(), body.reason or "")


@router.post(
    "/showtimes/{showtime_id}/cancel",
    response_model=ShowtimeView,
    status_code=202,
    responses=refusals(ShowtimeNotFound, NotScheduled),
)
async def cancel_showtime(session: Session, showtime_id: UUID, body: Cancellation, _: Manager) -> Showtime:
    """Cancel a showtime: every order of it is going to be refunded and told why."""
    return await commands.cancel_showtime(session, showtime_id, body.reason)


@router.get("/halls/free", response_model=FreeHallList)
async def list_free_halls(
    session: Session, start: From, to: Moment, _: Manager, theater_id: UUID | None = None
) -> dict[str, list[FreeHall]]:
    """Halls that nobody needs from `from` to `to`."""
    return {"items": await queries.halls_free_between(session, start, to, theater_id)}
