"""Who has which seat of which showtime, and until when.

Every key that is hot begins with `showtime_id`, and nothing but keys, CHECKs and ON CONFLICT decides: the tables can be
moved to an instance of their own, or be split by showtime, as they are.
"""

from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    func,
    literal_column,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, column_property, mapped_column

from services.shared.db import ModelBase, new_metadata


class Base(ModelBase, DeclarativeBase):
    metadata = new_metadata()


class ShowtimeStatus(StrEnum):
    scheduled = "scheduled"
    cancelled = "cancelled"


class SeatStatus(IntEnum):
    """What a claim says of its seat. The numbers stand in the database and in the statements of `seats`."""

    free = 0
    held = 1
    paying = 2
    sold = 3
    blocked = 4


class HoldStatus(StrEnum):
    held = "held"
    paying = "paying"
    sold = "sold"
    released = "released"
    lost = "lost"


class ReleaseReason(StrEnum):
    """Who let the seats go: the customer, the clock, or ticketing, whose payment came to nothing."""

    customer = "customer"
    grace = "grace"
    payment = "payment"


class Layout(Base):
    """The seats of one version of a hall (`events.LayoutSeat`); never changes."""

    __tablename__ = "layout"

    hall_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seats: Mapped[list[dict[str, Any]]]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Hall(Base):
    """The newest layout version of a hall that we know of: it says which seats are out of service.

    Its row is what layouts and showtimes that arrive at the same moment wait for.
    """

    __tablename__ = "hall"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    layout_version: Mapped[int] = mapped_column(server_default="0")


class Showtime(Base):
    """A copy of catalog's showtime. `facts` is what a SeatHeld tells of it, `prices` are `events.Price`."""

    __tablename__ = "showtime"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    status: Mapped[ShowtimeStatus] = mapped_column(server_default=ShowtimeStatus.scheduled.value)
    hall_id: Mapped[UUID]
    layout_version: Mapped[int]
    capacity: Mapped[int]
    ends_at: Mapped[datetime] = mapped_column(index=True)
    sales_close_at: Mapped[datetime]
    single_seat_rule: Mapped[bool]
    currency: Mapped[str]
    prices: Mapped[list[dict[str, Any]]]
    facts: Mapped[dict[str, Any]]


class Claim(Base):
    """The primary key is the lock: one row a seat, made by its first claim and kept while its showtime is on sale.

    `held_until` is the seats' clock, the only time a claim statement compares. `generation` counts the changes, and
    their sum over a showtime is the version of its map. No index but the key, so that updates stay HOT.

    A seat `out_of_service` is blocked as soon as nobody has it. `kept_for` is a manager's reason to keep it back, None
    where no manager does.
    """

    __tablename__ = "claim"
    __table_args__ = (
        CheckConstraint("status BETWEEN 0 AND 4", name="status"),
        CheckConstraint("(status IN (1, 2, 3)) = (booking_id IS NOT NULL)", name="booking"),
        CheckConstraint("(status IN (1, 2)) = (held_until IS NOT NULL)", name="clock"),
        CheckConstraint("NOT (status = 0 AND out_of_service)", name="in_service"),
        {"postgresql_with": {"fillfactor": "70"}},
    )

    showtime_id: Mapped[UUID] = mapped_column(primary_key=True)
    seat_no: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    generation: Mapped[int] = mapped_column(server_default="1")
    status: Mapped[int] = mapped_column(SmallInteger)
    booking_id: Mapped[UUID | None]
    held_until: Mapped[datetime | None]
    out_of_service: Mapped[bool] = mapped_column(server_default=text("false"))
    kept_for: Mapped[str | None]


SECONDS_LEFT = func.greatest(
    0, func.ceil(func.extract("epoch", literal_column("hold.expires_at") - func.clock_timestamp())), type_=Integer
)


class Hold(Base):
    """A booking's seats with the prices that froze (`seats` are `events.HeldSeat`, `total` in minor units).

    `claimed` is how many seats the claim statement really got: a row that says fewer than it wanted is refused, and
    the whole statement with it. A key in `idempotency_key` is good for 24 h from `created_at`. `replaced` maps the
    labels of seats that a rescue had to replace to the new `events.HeldSeat`.
    """

    __tablename__ = "hold"
    __table_args__ = (
        CheckConstraint("claimed = wanted", name="all_or_nothing"),
        CheckConstraint("wanted > 0 AND total >= 0 AND slot BETWEEN 0 AND 2", name="sane"),
        CheckConstraint("status IN ('held', 'paying', 'sold', 'released', 'lost')", name="status"),
        Index(
            "hold_idempotency_key", "user_id", "idempotency_key", unique=True,
            postgresql_where=text("idempotency_key IS NOT NULL"),
        ),
        Index("hold_live_idx", "held_until", postgresql_where=text("status IN ('held', 'paying')")),
        Index("hold_user_idx", "user_id", "booking_id"),
        {"postgresql_with": {"fillfactor": "85"}},
    )  # fmt: skip

    booking_id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID]
    showtime_id: Mapped[UUID]
    slot: Mapped[int] = mapped_column(SmallInteger)
    wanted: Mapped[int] = mapped_column(SmallInteger)
    claimed: Mapped[int] = mapped_column(SmallInteger)
    seats: Mapped[list[dict[str, Any]]]
    total: Mapped[int]
    currency: Mapped[str]
    status: Mapped[HoldStatus] = mapped_column(server_default=HoldStatus.held.value)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    held_until: Mapped[datetime]
    idempotency_key: Mapped[str | None]
    body_digest: Mapped[bytes | None] = mapped_column(LargeBinary)
    sold_at: Mapped[datetime | None]
    released_at: Mapped[datetime | None]
    release_reason: Mapped[ReleaseReason | None]
    replaced: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    seconds_left: Mapped[int] = column_property(SECONDS_LEFT)

    @property
    def is_live(self) -> bool:
        return self.status in (HoldStatus.held, HoldStatus.paying)


class Slot(Base):
    """A user's place for a live hold of a showtime: that there are two of them is the cap.

    A slot is taken until `held_until`; with a booking by that hold, without one by a cool-down.
    """

    __tablename__ = "slot"
    __table_args__ = (
        CheckConstraint("slot IN (1, 2)", name="slot"),
        {"postgresql_with": {"fillfactor": "70"}},
    )

    showtime_id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    slot: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    booking_id: Mapped[UUID | None]
    held_until: Mapped[datetime]


class Ticket(Base):
    """Who sits where and who is in: the ushers' view, told by ticketing."""

    __tablename__ = "ticket"

    showtime_id: Mapped[UUID] = mapped_column(primary_key=True)
    ticket_id: Mapped[UUID] = mapped_column(primary_key=True)
    seat_no: Mapped[int]
    booking_id: Mapped[UUID] = mapped_column(index=True)
    user_id: Mapped[UUID | None] = mapped_column(index=True)
    holder_name: Mapped[str] = mapped_column(server_default="")
    scanned_at: Mapped[datetime | None]
    voided: Mapped[bool] = mapped_column(server_default=text("false"))


class Erased(Base):
    """Somebody who is forgotten: a ticket that is heard of later must not bring the name back."""

    __tablename__ = "erased"

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    erased_at: Mapped[datetime] = mapped_column(server_default=func.now())


class MapVersion(Base):
    """The highest version of a showtime's seat map that the auditor has seen: none may ever be lower."""

    __tablename__ = "map_version"

    showtime_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger)


class Heartbeat(Base):
    """When this service last had read all its messages: what lies between two beats was an outage."""

    __tablename__ = "heartbeat"
    __table_args__ = (CheckConstraint("id = 1", name="single"),)

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    seen_at: Mapped[datetime]
