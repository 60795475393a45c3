"""HTTP in."""

import re
from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from fastapi.routing import APIRoute

from services.shared.auth import CurrentUser, Manager, Principal
from services.shared.db import Session
from services.shared.errors import ValidationFailed, refusals
from services.shared.events import LayoutSeat
from services.shared.http import BODY_LIMIT
from services.shared.paging import Page, PageOf, Rows
from services.shared.schemas import INT4_MAX
from services.theaters import commands, queries
from services.theaters.errors import (
    HallNotFound,
    IfMatchRequired,
    LayoutNotFound,
    SeatNotFound,
    StaleVersion,
    TheaterNotFound,
)
from services.theaters.layouts import Label
from services.theaters.layouts.pretix import PretixPlan
from services.theaters.models import Hall, Layout, Theater
from services.theaters.schemas import (
    Drawing,
    ExportView,
    HallView,
    LayoutView,
    NewHall,
    NewLayout,
    NewTheater,
    SeatPatch,
    TheaterPatch,
    TheaterView,
)


class PlanRoute(APIRoute):
    """Takes larger bodies than others: an editor says much about each of 2,000 seats."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_large(request: Request) -> Response:
            request.scope[BODY_LIMIT].max_bytes = MAX_PLAN_BYTES
            return await handle(request)

        return handle_large


MAX_PLAN_BYTES = 2 * 1_048_576
router = APIRouter(tags=["theaters"])
plans = APIRouter(route_class=PlanRoute)
NUMBER = r"(-?\d{1,3}(?:\.\d{1,15})?)"
NEAR = re.compile(rf"{NUMBER},\s*{NUMBER}")


def asked_near(
    near: Annotated[str | None, Query(description="`latitude,longitude` in degrees", examples=["52.52,13.40"])] = None,
) -> queries.Point | None:
    if near is None:
        return None
    match = NEAR.fullmatch(near)
    point = queries.Point(float(match[1]), float(match[2])) if match else None
    if point is None or abs(point.latitude) > 90 or abs(point.longitude) > 180:  # noqa: PLR2004
        raise ValidationFailed(errors=[{"pointer": "/query/near", "message": "Degrees, as in 52.52,13.40"}])
    return point


def seen_versions(
    if_match: Annotated[str | None, Header(description="The hall's ETag, or `*`", examples=['"3"'])] = None,
) -> frozenset[int] | None:
    """RFC 9110, section 13.1.1. None for `*`. Raises IfMatchRequired."""
    if if_match is None:
        raise IfMatchRequired
    if if_match.strip() == "*":
        return None
    tags = (tag.strip().strip('"') for tag in if_match.split(","))
    return frozenset(int(tag) for tag in tags if re.fullmatch("[0-9]{1,9}", tag))


def with_etag(response: Response, hall: Hall) -> Hall:
    response.headers["ETag"] = f'"{hall.layout_version}"'
    return hall


Near = Annotated[queries.Point | None, Depends(asked_near)]
SeenVersions = Annotated[frozenset[int] | None, Depends(seen_versions)]
PlanFormat = Annotated[Literal["pretix"], Query(alias="format")]
Version = Annotated[int, Path(ge=1, le=INT4_MAX)]


@router.get("", response_model=Page[TheaterView])
async def list_theaters(session: Session, place: PageOf, near: Near) -> Rows[Theater]:
    """All theaters by name, or the nearest first."""
    return await queries.theaters(session, place, near)


@router.post("", response_model=TheaterView, status_code=201)
async def create_theater(session: Session, body: NewTheater, _: Manager) -> Theater:
    """Make a theater; its halls follow."""
    return await commands.create_theater(session, **body.model_dump())


@router.get("/{theater_id}", response_model=TheaterView, responses=refusals(TheaterNotFound))
async def read_theater(session: Session, theater_id: UUID) -> Theater:
    """One theater with its halls."""
    return await queries.theater(session, theater_id)


@router.patch("/{theater_id}", response_model=TheaterView, responses=refusals(TheaterNotFound))
async def change_theater(session: Session, theater_id: UUID, body: TheaterPatch, _: Manager) -> Theater:
    """Change some of a theater's facts."""
    return await commands.change_theater(session, theater_id, body.changes())


@router.delete("/{theater_id}", status_code=204, responses=refusals(TheaterNotFound))
async def archive_theater(session: Session, theater_id: UUID, _: Manager) -> None:
    """Archive a theater: no longer listed, no new showtimes; what is sold there stays valid."""
    await commands.archive_theater(session, theater_id)


@router.post("/{theater_id}/halls", response_model=HallView, status_code=201, responses=refusals(TheaterNotFound))
async def add_hall(session: Session, theater_id: UUID, body: NewHall, response: Response, _: Manager) -> Hall:
    """Make a hall with all its seats, or nothing."""
    return with_etag(response, await commands.add_hall(session, theater_id, body.name, body.layout.draw()))


@plans.post("/{theater_id}/halls/import", response_model=HallView, status_code=201, responses=refusals(TheaterNotFound))
async def import_hall(
    session: Session, theater_id: UUID, _format: PlanFormat, body: PretixPlan, response: Response, _: Manager
) -> Hall:
    """Make a hall from a seating plan as pretix's editor saves it; its categories become ours by their names."""
    return with_etag(response, await commands.add_hall(session, theater_id, body.name, body.draw()))


@router.get("/me/export", response_model=ExportView, tags=["privacy"])
async def export_me(user: CurrentUser) -> Principal:
    """What theaters stores about the caller."""
    return user


@router.post("/layouts/preview", response_model=Drawing)
async def preview_layout(body: NewLayout, _: Manager) -> dict[str, list[LayoutSeat]]:
    """The seats that a layout would make."""
    return {"seats": body.layout.draw()}


@router.get("/halls/{hall_id}", response_model=HallView, responses=refusals(HallNotFound))
async def read_hall(session: Session, hall_id: UUID, response: Response) -> Hall:
    """One hall; its ETag is what a change of the layout has to send as `If-Match`."""
    return with_etag(response, await queries.hall(session, hall_id))


@router.put(
    "/halls/{hall_id}/layout", response_model=HallView, responses=refusals(HallNotFound, IfMatchRequired, StaleVersion)
)
async def replace_layout(
    session: Session, hall_id: UUID, body: NewLayout, seen: SeenVersions, response: Response, _: Manager
) -> Hall:
    """A new version of the seats, for showtimes that are scheduled from now on."""
    return with_etag(response, await commands.replace_layout(session, hall_id, body.layout.draw(), seen))


@router.get("/halls/{hall_id}/layouts/{version}", response_model=LayoutView, responses=refusals(LayoutNotFound))
async def read_layout(session: Session, hall_id: UUID, version: Version, response: Response) -> Layout:
    """One version of a hall's seats; it never changes."""
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return await queries.layout(session, hall_id, version)


@router.patch("/halls/{hall_id}/seats/{label}", response_model=HallView, responses=refusals(HallNotFound, SeatNotFound))
async def set_out_of_service(
    session: Session, hall_id: UUID, label: Label, body: SeatPatch, response: Response, _: Manager
) -> Hall:
    """Take a seat out of service, or back into it, from the next showtime on."""
    return with_etag(response, await commands.set_out_of_service(session, hall_id, label, out=body.out_of_service))


router.include_router(plans)
