"""Promo codes: made by managers, put on orders, counted under the lock of the code's row.

An order is always locked before a code.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from psycopg.errors import UniqueViolation
from sqlalchemy import delete, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from services.shared.db import fire_after_commit
from services.shared.errors import ValidationFailed
from services.ticketing.commands import timeline
from services.ticketing.errors import Objection, PromoCodeTaken, PromoNotValid
from services.ticketing.models import Order, PromoCode, PromoUse
from services.ticketing.pricing import percent_of
from services.ticketing.queries import promos
from services.ticketing.wording import Happening


async def create(session: AsyncSession, facts: Mapping[str, Any]) -> PromoCode:
    """Raises PromoCodeTaken, ValidationFailed."""
    promo = PromoCode(**facts)
    await store(session, promo)
    return promo


async def change(session: AsyncSession, promo_id: UUID, changes: Mapping[str, Any]) -> PromoCode:
    """Orders that have it keep their price. Raises PromoCodeNotFound, PromoCodeTaken, ValidationFailed."""
    promo = await promos.promo_code(session, promo_id, lock=True)
    for name, value in changes.items():
        setattr(promo, name, value)
    await store(session, promo)
    return promo


async def store(session: AsyncSession, promo: PromoCode) -> None:
    """Raises PromoCodeTaken, ValidationFailed."""
    check(promo)
    try:
        session.add(promo)
        await session.flush()
    except IntegrityError as error:
        if isinstance(error.orig, UniqueViolation):
            raise PromoCodeTaken from error
        raise


def check(promo: PromoCode) -> None:
    """Raises ValidationFailed."""
    if (promo.percent_off is None) == (promo.amount_off is None):
        fault = {"pointer": "/body/percent_off", "message": "Give either `percent_off` or `amount_off`."}
        raise ValidationFailed(errors=[fault])
    if promo.valid_from and promo.valid_until and promo.valid_from >= promo.valid_until:
        raise ValidationFailed(errors=[{"pointer": "/body/valid_until", "message": "Must be after `valid_from`."}])


async def put_on(session: AsyncSession, order: Order, code: str) -> None:
    """Make an unpaid order cheaper by a code, instead of any other one. Raises PromoNotValid."""
    promo_id = await promos.id_of(session, code)
    if promo_id == order.promo_id:
        return
    promo = (await promos.locked(session, (promo_id, order.promo_id)))[promo_id]
    await judge(session, order, promo)
    discount = discount_of(order, promo)
    await move(session, order, promo_id, discount)
    facts = {"code": promo.code, "amount": discount, "currency": order.currency}
    timeline.add(session, order.booking_id, Happening.PROMO_APPLIED, **facts)


async def take_off(session: AsyncSession, order: Order) -> None:
    """Back to the full price; again changes nothing."""
    if order.promo_id is not None:
        await move(session, order, None, 0)
        facts = {"amount": order.total, "currency": order.currency}
        timeline.add(session, order.booking_id, Happening.PROMO_REMOVED, **facts)


async def restore(session: AsyncSession, order: Order, promo_id: UUID | None, total: int) -> None:
    """Back to the code and the price under which a payment was begun that can't be changed any more."""
    await promos.locked(session, (promo_id, order.promo_id))
    await move(session, order, promo_id, order.subtotal - total)
    facts = {"amount": order.total, "currency": order.currency}
    timeline.add(session, order.booking_id, Happening.PRICE_KEPT, **facts)


async def judge(session: AsyncSession, order: Order, promo: PromoCode) -> None:
    """Raises PromoNotValid. The code is locked, so that what is counted stays so."""
    now = datetime.now(UTC)
    objections = {
        Objection.NOT_ACTIVE: not promo.is_active,
        Objection.NOT_YET_VALID: promo.valid_from is not None and now < promo.valid_from,
        Objection.EXPIRED: promo.valid_until is not None and now >= promo.valid_until,
        Objection.BELOW_MINIMUM: order.subtotal < promo.min_total,
        Objection.USED_UP: promo.max_uses is not None and promo.uses >= promo.max_uses,
        Objection.USED_UP_FOR_YOU: await is_used_up_for(session, order.user_id, promo),
    }
    for reason, is_so in objections.items():
        if is_so:
            raise PromoNotValid(reason, min_total=promo.min_total)


async def is_used_up_for(session: AsyncSession, user_id: UUID, promo: PromoCode) -> bool:
    if promo.max_uses_per_user is None:
        return False
    return await promos.uses_by(session, promo.id, user_id) >= promo.max_uses_per_user


def discount_of(order: Order, promo: PromoCode) -> int:
    """In minor units; never more than the order costs."""
    if promo.percent_off is not None:
        return percent_of(order.subtotal, promo.percent_off)
    return min(promo.amount_off or 0, order.subtotal)


async def move(session: AsyncSession, order: Order, promo_id: UUID | None, discount: int) -> None:
    await give_back(session, order)
    order.promo_id, order.discount, order.total = promo_id, discount, order.subtotal - discount
    order.version += 1
    await use(session, order)
    fire_after_commit(session, order.booking_id)


async def use(session: AsyncSession, order: Order) -> None:
    """Count the order's code, once; also beyond its limits, where the order keeps its price."""
    if order.promo_id is None:
        return
    values = {"booking_id": order.booking_id, "promo_id": order.promo_id, "user_id": order.user_id}
    new = insert(PromoUse).values(**values).on_conflict_do_nothing().returning(PromoUse.promo_id)
    if await session.scalar(new) is not None:
        await count(session, order.promo_id, 1)


async def give_back(session: AsyncSession, order: Order) -> None:
    """Others may use the code in its stead. The order keeps its price, in case its payment comes after all."""
    used = delete(PromoUse).where(PromoUse.booking_id == order.booking_id).returning(PromoUse.promo_id)
    promo_id = await session.scalar(used)
    if promo_id is not None:
        await count(session, promo_id, -1)


async def count(session: AsyncSession, promo_id: UUID, more: int) -> None:
    counted = update(PromoCode).where(PromoCode.id == promo_id).values(uses=PromoCode.uses + more)
    await session.execute(counted)
