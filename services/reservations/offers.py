"""What a showtime sells, ready for a hold: its seats and its prices, remembered by each process."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncSession

from services.reservations.errors import ShowtimeNotFound, TicketTypeNotOffered
from services.reservations.layouts import ACCESSIBLE, COMPANION, Plan
from services.reservations.models import Layout, Showtime
from services.shared.db import Sessions, arrived
from services.shared.events import HeldSeat, LayoutSeat, Price

REMEMBERED = 500
# These are priced like standard seats unless they have a price of their own (contracts.md, section 4).
LIKE_STANDARD = (ACCESSIBLE, COMPANION)

SEATS = TypeAdapter(tuple[LayoutSeat, ...])
PRICES = TypeAdapter(list[Price])

Key = TypeVar("Key")
Value = TypeVar("Value")


@dataclass(frozen=True)
class Offer:
    """One version of a showtime. The claim statement asks for this version, so that an old one sells nothing."""

    showtime_id: UUID
    version: int
    currency: str
    single_seat_rule: bool
    plan: Plan
    prices: Mapping[tuple[str, str], int]

    def price(self, category: str, ticket_type: str) -> int | None:
        """In minor units; None if there is no such ticket."""
        price = self.prices.get((category, ticket_type))
        if price is None and category in LIKE_STANDARD:
            return self.prices.get(("standard", ticket_type))
        return price

    def freeze(self, seat: LayoutSeat, ticket_type: str) -> HeldSeat:
        """The seat with its price of this moment. Raises TicketTypeNotOffered."""
        price = self.price(seat.category, ticket_type)
        if price is None:
            raise TicketTypeNotOffered(label=seat.label, category=seat.category, ticket_type=ticket_type)
        return HeldSeat.model_construct(
            seat_no=seat.seat_no,
            label=seat.label,
            row=seat.row,
            number=seat.number,
            category=seat.category,
            ticket_type=ticket_type,
            price=price,
            currency=self.currency,
        )


class Offers:
    """The offers and plans that this process has seen lately."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._offers: dict[UUID, Offer] = {}
        self._plans: dict[tuple[UUID, int], Plan] = {}
        self._reading: dict[UUID, asyncio.Task[Offer]] = {}

    async def current(self, showtime_id: UUID) -> Offer:
        """The offer as remembered: perhaps not the newest. Raises ShowtimeNotFound."""
        return self._offers.get(showtime_id) or await self.newest(showtime_id)

    async def newest(self, showtime_id: UUID) -> Offer:
        """Waits for one that has just been made. Raises ShowtimeNotFound.

        All who ask at the same moment share one answer: when a sale opens, nobody here knows the showtime yet.
        """
        reading = self._reading.get(showtime_id)
        if reading is None:
            reading = self._reading[showtime_id] = asyncio.create_task(self._wait_for(showtime_id))
            reading.add_done_callback(lambda _: self._reading.pop(showtime_id))
        return await asyncio.shield(reading)

    async def _wait_for(self, showtime_id: UUID) -> Offer:
        async def look(session: AsyncSession) -> Offer | None:
            return await self._read(session, showtime_id)

        offer = await arrived(self._sessions, look, showtime_id, ShowtimeNotFound)
        remember(self._offers, showtime_id, offer)
        return offer

    async def _read(self, session: AsyncSession, showtime_id: UUID) -> Offer | None:
        """None as long as the showtime or its hall's layout has not come."""
        showtime = await session.get(Showtime, showtime_id)
        if showtime is None:
            return None
        key = showtime.hall_id, showtime.layout_version
        plan = self._plans.get(key) or await read_plan(session, *key)
        if plan is None:
            return None
        remember(self._plans, key, plan)
        return offer_of(showtime, plan)


def remember(memory: dict[Key, Value], key: Key, value: Value) -> None:
    """The oldest goes when it gets too many."""
    memory[key] = value
    if len(memory) > REMEMBERED:
        del memory[next(iter(memory))]


async def read_plan(session: AsyncSession, hall_id: UUID, version: int) -> Plan | None:
    layout = await session.get(Layout, (hall_id, version))
    return Plan(SEATS.validate_python(layout.seats)) if layout else None


def offer_of(showtime: Showtime, plan: Plan) -> Offer:
    prices = PRICES.validate_python(showtime.prices)
    return Offer(
        showtime_id=showtime.id,
        version=showtime.version,
        currency=showtime.currency,
        single_seat_rule=showtime.single_seat_rule,
        plan=plan,
        prices={(price.category, price.ticket_type): price.amount for price in prices},
    )
