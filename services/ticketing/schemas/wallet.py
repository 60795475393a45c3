"""JSON about coins."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from services.shared.schemas import Input, View
from services.ticketing.models import CoinReason, IntentStatus


class WalletEntryView(View):
    id: UUID
    amount: int = Field(description="Coins: positive ones came, negative ones went.")
    reason: CoinReason
    reference: str = Field(description="The booking, refund or top-up that it was for.")
    created_at: datetime


class WalletView(View):
    balance: int = Field(description="Coins.")
    entries: list[WalletEntryView]


class TopUpInput(Input):
    amount: Annotated[
        int,
        Field(strict=True, ge=100, le=50_000, description="Minor units of money, a multiple of a coin's value."),
    ]


class TopUpPayment(View):
    client_secret: str = Field(description="What Stripe.js confirms the payment with.")
    status: IntentStatus


class TopUpView(View):
    topup_id: UUID
    amount: int = Field(description="Minor units of `currency`.")
    currency: str = Field(examples=["EUR"])
    coins: int = Field(description="What will be credited.")
    payment: TopUpPayment
