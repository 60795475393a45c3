"""What the customer is told about an order, as facts; `wording` makes sentences of them."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.ticketing.models import TimelineRow
from services.ticketing.wording import Happening


def add(session: AsyncSession, booking_id: UUID, kind: Happening, **facts: Any) -> None:
    session.add(TimelineRow(booking_id=booking_id, kind=kind, facts=facts))
