"""JSON in and out of theaters."""

from typing import Annotated, ClassVar, Self
from uuid import UUID
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field, computed_field

from services.shared.events import LayoutSeat
from services.shared.schemas import Input, Patch, View
from services.theaters.layouts import AnyLayout

ZONES = available_timezones()
SCREEN_DISTANCE = 2.0


def known_zone(name: str) -> str:
    if name not in ZONES:
        raise ValueError("not an IANA time zone, as in Europe/Berlin")
    return name


Name = Annotated[str, Field(min_length=1, max_length=120)]
Address = Annotated[str, Field(min_length=1, max_length=300)]
Zone = Annotated[str, AfterValidator(known_zone), Field(examples=["Europe/Berlin"])]
Latitude = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
Longitude = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
Amenities = Annotated[list[Name], Field(max_length=50, examples=[["step_free_access", "bar"]])]


class NewTheater(Input):
    name: Name
    city: Name
    address: Address
    timezone: Zone
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    amenities: Amenities = []


class TheaterPatch(Patch):
    nullable: ClassVar[frozenset[str]] = frozenset({"latitude", "longitude"})

    name: Name | None = None
    city: Name | None = None
    address: Address | None = None
    timezone: Zone | None = None
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    amenities: Amenities | None = None


class NewHall(Input):
    name: Name
    layout: AnyLayout


class NewLayout(Input):
    layout: AnyLayout


class SeatPatch(Input):
    out_of_service: Annotated[bool, Field(strict=True)]


class HallSummary(View):
    id: UUID
    name: str
    capacity: int
    layout_version: int


class HallView(HallSummary):
    """`capacity` counts the seats that are in service."""

    theater_id: UUID


class TheaterView(View):
    id: UUID
    name: str
    city: str
    address: str
    timezone: str
    latitude: float | None
    longitude: float | None
    amenities: list[str]
    halls: list[HallSummary]


class Screen(View):
    """Where to draw it, in the units of the seats: its left end and its width."""

    x: float
    y: float
    width: float

    @classmethod
    def before(cls, seats: list[LayoutSeat]) -> Self:
        left, right = min(seat.x for seat in seats), max(seat.x for seat in seats)
        return cls(x=left, y=min(seat.y for seat in seats) - SCREEN_DISTANCE, width=right - left + 1)


class Drawing(View):
    """Seats of one row whose `x` differs by exactly 1 are neighbours; more is an aisle or a gap."""

    seats: list[LayoutSeat]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def screen(self) -> Screen:
        return Screen.before(self.seats)


class LayoutView(Drawing):
    hall_id: UUID
    version: int


class ExportView(View):
    """What is stored about a user: nothing but what the token says."""

    user_id: UUID = Field(validation_alias="id")
