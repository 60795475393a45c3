"""Mails about orders, in the customer's language. Each goes out once, if the caller's transaction commits."""

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession

from services.shared.mail import Templates
from services.ticketing.models import Order, Refund, Ticket

TEMPLATES = Templates(Path(__file__).parent / "templates")


async def tickets_issued(session: AsyncSession, order: Order, tickets: Sequence[Ticket]) -> None:
    """The tickets with their QR codes; nothing if the customer has no address any more."""


async def order_refunded(session: AsyncSession, order: Order, refund: Refund) -> None:
    """Money went back, `refund.amount` minor units to `refund.to`."""
