"""JSON about the books and the shop's settings."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from services.shared.schemas import View
from services.ticketing.models import Account


class ConfigView(View):
    provider: Literal["stripe", "sandbox"]
    publishable_key: str
    currency: str = Field(examples=["EUR"])
    coin_value: int = Field(description="Minor units that a coin is worth.")
    vat_percent: float = Field(description="The value added tax that all prices contain.")


class LedgerEntryView(View):
    id: int
    booking_id: UUID | None
    cause: str
    account: Account
    amount: int = Field(description="Minor units; debits are positive.")
    currency: str
    at: datetime


class VerdictView(View):
    entries: int
    sealed: int
    unsealed: int = Field(description="Committed within the last second or so.")
    valid: bool
    first_bad: int | None = Field(description="The number of the first entry whose seal does not fit.")
    problem: str | None


class Received(View):
    received: bool = True
