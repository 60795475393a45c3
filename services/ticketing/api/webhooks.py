from typing import Annotated

from fastapi import APIRouter, Header, Request

from services.shared.db import Session, settings_of
from services.shared.errors import refusals
from services.ticketing.booking import stripe_events
from services.ticketing.payments import BadSignature, verify
from services.ticketing.schemas.money import Received

router = APIRouter(prefix="/webhooks", tags=["webhooks"])


@router.post("/stripe", responses=refusals(BadSignature))
async def receive_stripe_event(
    request: Request, session: Session, stripe_signature: Annotated[str, Header()] = ""
) -> Received:
    """Stripe tells what happened to a payment; the signature is over the raw body."""
    event = verify(await request.body(), stripe_signature, settings_of(session).stripe_webhook_secret)
    await stripe_events.receive(session, event)
    return Received()
