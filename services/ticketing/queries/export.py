"""What this service stores about a user, for the user."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.shared.auth import Principal
from services.ticketing.models import Customer, Order, TopUp
from services.ticketing.queries.orders import whole, with_codes
from services.ticketing.queries.wallet import Statement, statement


@dataclass(frozen=True)
class Export:
    customer: Customer | None
    orders: Sequence[Order]
    wallet: Statement
    topups: Sequence[TopUp]


async def export(session: AsyncSession, user: Principal) -> Export:
    orders = await session.scalars(whole().where(Order.user_id == user.id).order_by(Order.booking_id))
    topups = await session.scalars(select(TopUp).where(TopUp.user_id == user.id).order_by(TopUp.id))
    return Export(
        customer=await session.get(Customer, user.id),
        orders=[with_codes(session, order) for order in orders],
        wallet=await statement(session, user.id),
        topups=topups.all(),
    )
