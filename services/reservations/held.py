"""A hold as its owner sees it."""

from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Self
from uuid import UUID

from pydantic import TypeAdapter

from services.reservations.models import Hold, HoldStatus, ReleaseReason
from services.reservations.money import Money
from services.reservations.seats import Wish
from services.shared.events import HeldSeat

SEATS = TypeAdapter(list[HeldSeat])


@dataclass(frozen=True, slots=True)
class PricedSeat:
    seat_no: int
    label: str
    category: str
    ticket_type: str
    price: Money


@dataclass(frozen=True, slots=True)
class Held:
    """`replayed`: the first answer again, to the same request again."""

    booking_id: UUID
    showtime_id: UUID
    seats: list[PricedSeat]
    total: Money
    expires_at: datetime
    status: HoldStatus
    seconds_left: int = 0
    replayed: bool = False

    @classmethod
    def just_now(cls, wish: Wish, expires_at: datetime) -> Self:
        return cls(
            booking_id=wish.booking_id,
            showtime_id=wish.showtime_id,
            seats=[priced(seat) for seat in wish.seats],
            total=Money(wish.total, wish.seats[0].currency),
            expires_at=expires_at.astimezone(UTC),
            status=HoldStatus.held,
        )

    @classmethod
    def of(cls, hold: Hold) -> Self:
        """As it stands, with the seats that a rescue has put in the place of others."""
        return cls(
            booking_id=hold.booking_id,
            showtime_id=hold.showtime_id,
            seats=[priced(seat) for seat in seats_of(hold)],
            total=Money(hold.total, hold.currency),
            expires_at=hold.expires_at.astimezone(UTC),
            status=hold.status,
            seconds_left=hold.seconds_left if hold.is_live else 0,
        )

    @classmethod
    def again(cls, hold: Hold) -> Self:
        """What the first answer said, whatever has become of the hold since."""
        return cls(
            booking_id=hold.booking_id,
            showtime_id=hold.showtime_id,
            seats=[priced(seat) for seat in SEATS.validate_python(hold.seats)],
            total=Money(hold.total, hold.currency),
            expires_at=hold.expires_at.astimezone(UTC),
            status=HoldStatus.held,
            replayed=True,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedHold(Held):
    """With everything else that is stored about it."""

    created_at: datetime
    sold_at: datetime | None
    released_at: datetime | None
    release_reason: ReleaseReason | None
    idempotency_key: str | None

    @classmethod
    def of(cls, hold: Hold) -> Self:
        held = Held.of(hold)
        return cls(
            **{part.name: getattr(held, part.name) for part in fields(held)},
            created_at=hold.created_at,
            sold_at=hold.sold_at,
            released_at=hold.released_at,
            release_reason=hold.release_reason,
            idempotency_key=hold.idempotency_key,
        )


def priced(seat: HeldSeat) -> PricedSeat:
    return PricedSeat(seat.seat_no, seat.label, seat.category, seat.ticket_type, Money(seat.price, seat.currency))


def seats_of(hold: Hold) -> list[HeldSeat]:
    """The seats of a booking, those that replaced others included."""
    return [HeldSeat.model_validate(hold.replaced.get(seat["label"], seat)) for seat in hold.seats]
