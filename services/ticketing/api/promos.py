from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from services.shared.auth import Manager
from services.shared.db import Session
from services.shared.errors import refusals
from services.shared.paging import Page, PageOf, Rows
from services.shared.schemas import Text
from services.ticketing.commands import promos
from services.ticketing.errors import PromoCodeNotFound, PromoCodeTaken
from services.ticketing.models import PromoCode
from services.ticketing.queries.promos import promo_code, promo_codes
from services.ticketing.schemas.promos import NewPromoCode, PromoCodePatch, PromoCodeView

router = APIRouter(prefix="/promo-codes", tags=["promo codes"])


@router.get("", response_model=Page[PromoCodeView])
async def list_promo_codes(
    _: Manager,
    session: Session,
    place: PageOf,
    query: Annotated[Text | None, Query(description="A part of the code or of its description.")] = None,
    is_active: bool | None = None,
) -> Rows[PromoCode]:
    """Promo codes and how often they were used, newest first."""
    return await promo_codes(session, query, is_active, place)


@router.post("", response_model=PromoCodeView, status_code=201, responses=refusals(PromoCodeTaken))
async def create_promo_code(body: NewPromoCode, _: Manager, session: Session) -> PromoCode:
    """A code that takes a percentage or an amount off an order, with the limits that you give it."""
    return await promos.create(session, body.facts())


@router.get("/{promo_id}", response_model=PromoCodeView, responses=refusals(PromoCodeNotFound))
async def get_promo_code(promo_id: UUID, _: Manager, session: Session) -> PromoCode:
    """A promo code and how often it was used."""
    return await promo_code(session, promo_id)


@router.patch("/{promo_id}", response_model=PromoCodeView, responses=refusals(PromoCodeNotFound, PromoCodeTaken))
async def change_promo_code(promo_id: UUID, body: PromoCodePatch, _: Manager, session: Session) -> PromoCode:
    """Change a code, or end it with `is_active: false`. Orders that have it keep their price."""
    return await promos.change(session, promo_id, body.facts())
