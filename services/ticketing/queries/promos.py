"""Promo codes, as the managers see them and as orders use them."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.shared.paging import Paging, Rows, page
from services.ticketing.errors import Objection, PromoCodeNotFound, PromoNotValid
from services.ticketing.models import Customer, PromoCode, PromoUse


async def promo_codes(
    session: AsyncSession, query: str | None, is_active: bool | None, place: Paging
) -> Rows[PromoCode]:
    """Newest first; `query` is a part of the code or of the description."""
    found = select(PromoCode)
    if query:
        columns = (PromoCode.code, PromoCode.description)
        found = found.where(or_(*(column.icontains(query, autoescape=True) for column in columns)))
    if is_active is not None:
        found = found.where(PromoCode.is_active.is_(is_active))
    return await page(session, found, place, PromoCode.id, descending=True)


async def promo_code(session: AsyncSession, promo_id: UUID, *, lock: bool = False) -> PromoCode:
    """Raises PromoCodeNotFound."""
    found = await session.get(PromoCode, promo_id, with_for_update=lock, populate_existing=lock)
    if found is None:
        raise PromoCodeNotFound
    return found


async def id_of(session: AsyncSession, code: str) -> UUID:
    """Of a code in whatever case. Raises PromoNotValid."""
    found = await session.scalar(select(PromoCode.id).where(func.lower(PromoCode.code) == code.lower()))
    if found is None:
        raise PromoNotValid(Objection.UNKNOWN)
    return found


async def locked(session: AsyncSession, promo_ids: Iterable[UUID | None]) -> dict[UUID, PromoCode]:
    """In one order for everybody, so that two orders that swap their codes do not wait for each other."""
    wanted = [promo_id for promo_id in promo_ids if promo_id is not None]
    rows = select(PromoCode).where(PromoCode.id.in_(wanted)).order_by(PromoCode.id).with_for_update()
    found = await session.scalars(rows, execution_options={"populate_existing": True})
    return {promo.id: promo for promo in found}


async def uses_by(session: AsyncSession, promo_id: UUID, user_id: UUID) -> int:
    """By the user, or by anybody with the same mail address: a guest is a new user each time."""
    address = select(Customer.email).where(Customer.user_id == user_id).scalar_subquery()
    same = select(Customer.user_id).where(Customer.email == address)
    theirs = (PromoUse.user_id == user_id) | PromoUse.user_id.in_(same)
    counted = select(func.count()).select_from(PromoUse).where(PromoUse.promo_id == promo_id, theirs)
    return await session.scalar(counted) or 0
