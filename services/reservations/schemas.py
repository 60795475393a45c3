"""JSON in and out."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, model_validator

from services.reservations.choice import BestAvailable, ChosenSeats
from services.reservations.maps import SeatState
from services.reservations.models import HoldStatus, ReleaseReason
from services.reservations.queries import SeatUse
from services.shared.schemas import Input, View

# Staff hold seats for groups; others up to ten (commands.holds.MOST_SEATS).
LARGEST_GROUP = 100
LARGEST_HALL = 2000

Label = Annotated[str, Field(min_length=1, max_length=16, examples=["H7"])]
TicketType = Annotated[str, Field(min_length=1, max_length=32, examples=["adult"])]


class SeatChoice(Input):
    label: Label
    ticket_type: TicketType


class BestAvailableChoice(Input):
    """Seats together, as near as possible to the middle of the hall, two thirds back."""

    count: Annotated[int, Field(strict=True, ge=1, le=LARGEST_GROUP)]
    ticket_type: TicketType
    category: Annotated[str, Field(min_length=1, max_length=32)] | None = None
    accessible: bool = False


class HoldRequest(Input):
    """Either `seats` or `best_available`."""

    showtime_id: UUID
    seats: Annotated[list[SeatChoice], Field(min_length=1, max_length=LARGEST_GROUP)] | None = None
    best_available: BestAvailableChoice | None = None

    @model_validator(mode="after")
    def choose_once(self) -> Self:
        if (self.seats is None) == (self.best_available is None):
            raise ValueError("give either seats or best_available")
        labels = [seat.label for seat in self.seats or ()]
        if len(set(labels)) < len(labels):
            raise ValueError("each seat only once")
        return self

    @property
    def choice(self) -> ChosenSeats | BestAvailable:
        if self.best_available:
            return BestAvailable(**self.best_available.model_dump())
        return ChosenSeats([(seat.label, seat.ticket_type) for seat in self.seats or ()])


class SeatLabels(Input):
    seats: Annotated[list[Label], Field(min_length=1, max_length=LARGEST_HALL)]


class BlockRequest(SeatLabels):
    """`reason` stays with the seats, for those who ask why they are empty."""

    reason: Annotated[str, Field(max_length=200, examples=["for the director's guests"])] = ""


class MoneyView(View):
    """`amount` in minor units of `currency`."""

    amount: int
    currency: str


class HeldSeatView(View):
    """A seat with the price that froze."""

    seat_no: int
    label: str
    category: str
    ticket_type: str
    price: MoneyView


class HoldView(View):
    booking_id: UUID
    showtime_id: UUID
    seats: list[HeldSeatView]
    total: MoneyView
    expires_at: datetime
    status: HoldStatus


class HoldDetail(HoldView):
    """`seconds_left` to pay, never negative."""

    seconds_left: int


class SeatMapView(View):
    """Seats in neither list are free; blocked ones stand in `sold`. `version` only rises."""

    showtime_id: UUID
    hall_id: UUID
    layout_version: int
    version: int
    sales_open: bool
    held: list[int]
    sold: list[int]


class DeltaView(View):
    """What changed from version `since` to `version`: `[seat_no, state]`."""

    since: int
    version: int
    changes: list[tuple[int, SeatState]]


class SeatOccupancyView(View):
    """`kept_for` is the reason of a manager who keeps the seat back."""

    seat_no: int
    label: str
    status: SeatUse
    booking_id: UUID | None
    name: str | None
    scanned_at: datetime | None
    kept_for: str | None
    out_of_service: bool


class OccupancyView(View):
    capacity: int
    free: int
    held: int
    sold: int
    blocked: int
    scanned: int
    seats: list[SeatOccupancyView]


class BlocksView(View):
    """The labels of all seats that are kept back."""

    blocked: list[str]


class TicketView(View):
    ticket_id: UUID
    booking_id: UUID
    showtime_id: UUID
    seat_no: int
    holder_name: str
    scanned_at: datetime | None
    voided: bool


class RecordedHoldView(HoldDetail):
    created_at: datetime
    sold_at: datetime | None
    released_at: datetime | None
    release_reason: ReleaseReason | None
    idempotency_key: str | None


class SlotView(View):
    """A place for a live hold, taken until `held_until`; without a booking by a pause."""

    showtime_id: UUID
    slot: int
    booking_id: UUID | None
    held_until: datetime


class ExportView(View):
    holds: list[RecordedHoldView]
    slots: list[SlotView]
    tickets: list[TicketView]
