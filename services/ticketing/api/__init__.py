from fastapi import APIRouter, Request

from services.shared.settings import Settings
from services.ticketing.api import (
    audit,
    checkins,
    documents,
    ledger,
    me,
    orders,
    promos,
    reports,
    tickets,
    wallet,
    webhooks,
)
from services.ticketing.payments import provider
from services.ticketing.schemas.money import ConfigView

router = APIRouter()


@router.get("/config", tags=["config"])
async def get_config(request: Request) -> ConfigView:
    """What a shop needs to take payments."""
    settings: Settings = request.app.state.settings
    return ConfigView(
        provider=provider(settings),
        publishable_key=settings.stripe_publishable_key,
        currency=settings.currency,
        coin_value=settings.coin_value,
        vat_percent=float(settings.vat_percent),
    )


# Before `tickets`, whose ids would take the endings of files for their own.
for part in (documents, orders, promos, tickets, wallet, checkins, ledger, reports, audit, me, webhooks):
    router.include_router(part.router)
