"""HTTP in: parse, call, return."""

from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from services.reservations import queries
from services.reservations.commands import blocks, holds, releases
from services.reservations.errors import (
    AlreadySold,
    CompanionNeedsAccessible,
    HoldNotFound,
    LeavesSingleSeat,
    PaymentInProgress,
    SalesClosed,
    SeatsTaken,
    ShowtimeNotFound,
    TicketTypeNotOffered,
    TooManyHolds,
    UnknownSeats,
)
from services.reservations.held import Held
from services.reservations.live import Delta
from services.reservations.maps import SeatMap
from services.reservations.office import AtOffice
from services.reservations.queries import Export, Occupancy
from services.reservations.schemas import (
    BlockRequest,
    BlocksView,
    DeltaView,
    ExportView,
    HoldDetail,
    HoldRequest,
    HoldView,
    OccupancyView,
    SeatLabels,
    SeatMapView,
)
from services.shared.auth import CurrentUser, Manager, Staff
from services.shared.db import Session
from services.shared.errors import RateLimited, ServiceUnavailable, refusals
from services.shared.idempotency import KEY_PARAMETER, Attempt, attempt_of
from services.shared.paging import Page, PageOf, Rows

router = APIRouter()
Repeatable = Annotated[Attempt | None, Depends(attempt_of)]


@router.post(
    "/holds",
    status_code=201,
    response_model=HoldView,
    tags=["holds"],
    openapi_extra=KEY_PARAMETER,
    responses=refusals(
        ShowtimeNotFound,
        SeatsTaken,
        LeavesSingleSeat,
        SalesClosed,
        TooManyHolds,
        UnknownSeats,
        TicketTypeNotOffered,
        CompanionNeedsAccessible,
        RateLimited,
    ),
)
async def hold(
    office: AtOffice, user: CurrentUser, attempt: Repeatable, asked: HoldRequest, response: Response
) -> Held:
    """Hold seats for ten minutes, at the prices of this moment: all of them or none."""
    held = await holds.hold_seats(office, holds.Request(user, asked.showtime_id, asked.choice, attempt))
    if held.replayed:
        response.headers["Idempotent-Replay"] = "true"
    return held


@router.get("/holds", response_model=Page[HoldDetail], tags=["holds"])
async def active_holds(session: Session, user: CurrentUser, place: PageOf) -> Rows[Held]:
    """Your holds that can still be paid for: a refresh or another device finds them again."""
    return await queries.active_holds(session, user.id, place)


@router.get("/holds/{booking_id}", response_model=HoldDetail, tags=["holds"], responses=refusals(HoldNotFound))
async def read_hold(session: Session, user: CurrentUser, booking_id: UUID) -> Held:
    """One of your holds, whatever has become of it."""
    return await queries.hold(session, user.id, booking_id)


@router.delete(
    "/holds/{booking_id}",
    status_code=204,
    tags=["holds"],
    responses=refusals(HoldNotFound, PaymentInProgress, AlreadySold),
)
async def release(session: Session, user: CurrentUser, booking_id: UUID) -> None:
    """Give seats back at once, as long as no payment has been started."""
    await releases.release(session, user, booking_id)


async def current_map(office: AtOffice, showtime_id: UUID) -> SeatMap:
    return await queries.seat_map(office, showtime_id)


@router.get(
    "/showtimes/{showtime_id}/seats",
    response_model=SeatMapView,
    tags=["seat map"],
    responses={304: {"description": "Still the version of `If-None-Match`."}, **refusals(ShowtimeNotFound)},
)
async def seats(
    current: Annotated[SeatMap, Depends(current_map)],
    response: Response,
    if_none_match: Annotated[str | None, Header()] = None,
) -> SeatMap | Response:
    """Which seats are held or sold; the others are free."""
    headers = {"ETag": current.etag, "Cache-Control": "no-cache"}
    if current.etag in tags(if_none_match):
        return Response(status_code=304, headers=headers)
    response.headers.update(headers)
    return current


def tags(if_none_match: str | None) -> list[str]:
    """Weak ones count too (RFC 9110, section 13.1.2): a proxy that compresses makes them weak."""
    return [tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")]


async def admitted(office: AtOffice) -> None:
    office.hub.admit()


@router.get(
    "/showtimes/{showtime_id}/stream",
    response_class=EventSourceResponse,
    tags=["seat map"],
    dependencies=[Depends(admitted)],
    responses=refusals(ShowtimeNotFound, ServiceUnavailable),
)
async def stream(
    office: AtOffice,
    current: Annotated[SeatMap, Depends(current_map)],
    last_event_id: Annotated[str | None, Header(max_length=64)] = None,
) -> AsyncIterator[ServerSentEvent]:
    """The seat map live: `snapshot`, then `delta` after `delta`; a comment every 15 s when nothing happens."""
    async for news in office.hub.follow(current, version_of(last_event_id)):
        yield server_sent(news)


def version_of(last_event_id: str | None) -> int | None:
    """Whatever is no version of ours is answered with a snapshot."""
    is_number = last_event_id is not None and last_event_id.isascii() and last_event_id.isdecimal()
    return int(last_event_id) if last_event_id is not None and is_number else None


def server_sent(news: SeatMap | Delta) -> ServerSentEvent:
    if isinstance(news, Delta):
        return ServerSentEvent(event="delta", id=str(news.version), data=DeltaView.model_validate(news))
    return ServerSentEvent(event="snapshot", id=str(news.version), data=SeatMapView.model_validate(news))


@router.get(
    "/showtimes/{showtime_id}/occupancy",
    response_model=OccupancyView,
    tags=["staff"],
    responses=refusals(ShowtimeNotFound),
)
async def occupancy(session: Session, _: Staff, showtime_id: UUID) -> Occupancy:
    """Who sits where, and who is in."""
    return await queries.occupancy(session, showtime_id)


@router.post(
    "/showtimes/{showtime_id}/blocks",
    response_model=BlocksView,
    tags=["staff"],
    responses=refusals(ShowtimeNotFound, SeatsTaken, UnknownSeats),
)
async def block(session: Session, _: Manager, showtime_id: UUID, asked: BlockRequest) -> dict[str, list[str]]:
    """Keep free seats back: house seats, broken ones."""
    return {"blocked": await blocks.block(session, showtime_id, asked.seats, asked.reason)}


@router.delete(
    "/showtimes/{showtime_id}/blocks",
    response_model=BlocksView,
    tags=["staff"],
    responses=refusals(ShowtimeNotFound, UnknownSeats),
)
async def unblock(session: Session, _: Manager, showtime_id: UUID, asked: SeatLabels) -> dict[str, list[str]]:
    """Put seats that were kept back on sale again."""
    return {"blocked": await blocks.unblock(session, showtime_id, asked.seats)}


@router.get("/me/export", response_model=ExportView, tags=["privacy"])
async def export(session: Session, user: CurrentUser) -> Export:
    """Everything this service stores about you."""
    return await queries.export(session, user.id)
