"""What events are made of."""

from datetime import UTC, datetime
from typing import ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.shared.ids import new_id


class Fact(BaseModel):
    """A part of an event."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", hide_input_in_errors=True, json_schema_serialization_defaults_required=True
    )


class Event(Fact):
    """`version` counts the changes of the thing the event is about: an older one than already seen is ignored.

    `personal` names the texts that tell who `user_id` is: kept events lose them when that user is erased.
    """

    by: ClassVar[str]
    personal: ClassVar[tuple[str, ...]] = ()

    id: UUID = Field(default_factory=new_id)
    occurred_at: datetime = Field(default_factory=lambda: datetime.now(UTC))
    version: int = 1


class OfBooking(Event):
    """One id travels the whole way: the hold, the order, the payment, the tickets."""

    booking_id: UUID


class Film(Fact):
    id: UUID
    title: str
    poster_url: str | None = None
    runtime_minutes: int
    age_rating: str


class Theater(Fact):
    id: UUID
    name: str
    city: str
    timezone: str


class Hall(Fact):
    id: UUID
    name: str
    layout_version: int


class LayoutSeat(Fact):
    """`x` and `y` in seat widths from the hall's front left corner, as the audience sees it."""

    seat_no: int
    label: str
    row: str
    number: int
    category: str
    x: float
    y: float
    features: list[str] = []


class Price(Fact):
    category: str
    ticket_type: str
    amount: int
    currency: str


class HeldSeat(Fact):
    """A seat with the price that froze when it was held, in minor units of `currency`."""

    seat_no: int
    label: str
    row: str
    number: int
    category: str
    ticket_type: str
    price: int
    currency: str
