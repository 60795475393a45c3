"""Tickets as their owners and the doors see them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.shared.auth import Principal, Role
from services.shared.db import settings_of
from services.shared.errors import ServiceUnavailable
from services.ticketing import codes
from services.ticketing.errors import TicketNotFound
from services.ticketing.models import Showtime, Ticket, TicketStatus

# What a door may meet before it is online again.
NEAR = timedelta(days=1)


@dataclass(frozen=True)
class DoorKeys:
    """What a door needs to judge codes by itself: public keys (RFC 7517), and the tickets that open nothing although
    their codes verify: void and frozen ones."""

    keys: list[dict[str, str]]
    void: Sequence[Ticket]


async def ticket(session: AsyncSession, principal: Principal, ticket_id: UUID) -> Ticket:
    """The caller's ticket, or anybody's for staff. Raises TicketNotFound."""
    query = select(Ticket).where(Ticket.id == ticket_id)
    if not principal.may(Role.staff):
        query = query.where(Ticket.user_id == principal.id)
    found = await session.scalar(query)
    if found is None:
        raise TicketNotFound
    return signed(session, found)


async def showtime_of(session: AsyncSession, found: Ticket) -> Showtime:
    """Its showtime as it is now. Raises ServiceUnavailable while the programme's word of it has not come yet."""
    showtime = await session.get(Showtime, found.showtime_id)
    if showtime is None:
        raise ServiceUnavailable("The programme's word of this showtime has not come yet. Please try again.")
    return showtime


async def door_keys(session: AsyncSession) -> DoorKeys:
    now = datetime.now(UTC)
    opens_nothing = (Ticket.status == TicketStatus.VOID) | Ticket.frozen_at.is_not(None)
    query = (
        select(Ticket)
        .join(Showtime, Showtime.id == Ticket.showtime_id)
        .where(Showtime.starts_at.between(now - NEAR, now + NEAR), opens_nothing)
        .order_by(Ticket.id)
    )
    ring = codes.key_ring(settings_of(session))
    return DoorKeys(ring.jwks()["keys"], (await session.scalars(query)).all())


def signed(session: AsyncSession, found: Ticket) -> Ticket:
    """With its code."""
    found.code = codes.sign(settings_of(session), found)
    return found
