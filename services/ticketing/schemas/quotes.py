"""JSON about what cancelling would give back."""

from datetime import datetime

from pydantic import Field

from services.shared.schemas import View
from services.ticketing.models import Money, RefundTo


class SeatQuoteView(View):
    label: str
    price: Money
    discount: Money
    refund: Money


class QuoteView(View):
    """An order that is not paid yet can be cancelled and gives nothing back."""

    allowed: bool
    code: str | None = Field(examples=["refund_window_closed"], description="What cancelling would be refused with.")
    until: datetime = Field(description="Until when the order can be cancelled.")
    seats: list[SeatQuoteView]
    amount: Money
    coins: int = Field(description="What it would be in coins.")
    to: list[RefundTo] = Field(description="Where it can go; the first is meant if nothing is said.")
