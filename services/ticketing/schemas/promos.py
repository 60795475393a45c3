"""JSON about promo codes."""

from datetime import datetime
from typing import Annotated, ClassVar, Self
from uuid import UUID

from pydantic import AwareDatetime, Field

from services.shared.schemas import INT4_MAX, Amount, Input, Patch, View
from services.ticketing.models import PromoCode

Code = Annotated[
    str,
    Field(min_length=1, max_length=40, pattern="^[!-~]+$", examples=["SPRING"], description="The same in any case."),
]
Percent = Annotated[int, Field(strict=True, ge=1, le=100)]
AmountOff = Annotated[int, Field(strict=True, ge=1, le=100_000_000, description="Minor units.")]
Uses = Annotated[int, Field(strict=True, ge=1, le=INT4_MAX)]
Description = Annotated[str, Field(max_length=500)]
MinTotal = Annotated[Amount, Field(description="What the seats must cost at least, in minor units.")]


class NewPromoCode(Input):
    """Either `percent_off` or `amount_off`. Without limits it can be used by everybody, always."""

    code: Code
    percent_off: Percent | None = None
    amount_off: AmountOff | None = None
    valid_from: AwareDatetime | None = None
    valid_until: AwareDatetime | None = None
    max_uses: Uses | None = None
    max_uses_per_user: Uses | None = None
    min_total: MinTotal | None = None
    is_active: Annotated[bool, Field(strict=True)] = True
    description: Description = ""

    def facts(self) -> dict[str, object]:
        return self.model_dump() | {"min_total": self.min_total or 0}


class PromoCodePatch(Patch):
    """Orders that have the code keep their price. Null lifts a limit."""

    nullable: ClassVar[frozenset[str]] = frozenset(
        {"percent_off", "amount_off", "valid_from", "valid_until", "max_uses", "max_uses_per_user", "min_total"}
    )

    code: Code | None = None
    percent_off: Percent | None = None
    amount_off: AmountOff | None = None
    valid_from: AwareDatetime | None = None
    valid_until: AwareDatetime | None = None
    max_uses: Uses | None = None
    max_uses_per_user: Uses | None = None
    min_total: MinTotal | None = None
    is_active: Annotated[bool, Field(strict=True)] | None = None
    description: Description | None = None

    def facts(self) -> dict[str, object]:
        found = self.changes()
        if "min_total" in found:
            found["min_total"] = self.min_total or 0
        return found


class PromoCodeView(View):
    id: UUID
    code: str
    percent_off: int | None
    amount_off: int | None = Field(description="Minor units.")
    valid_from: datetime | None
    valid_until: datetime | None
    max_uses: int | None
    max_uses_per_user: int | None
    min_total: int = Field(description="Minor units.")
    is_active: bool
    description: str
    uses: int = Field(description="Orders that use it: open ones and paid ones.")
    created_at: datetime


class ApplyPromo(Input):
    code: Annotated[str, Field(min_length=1, max_length=200, examples=["SPRING"])]


class OrderPromo(View):
    """The code that makes an order cheaper."""

    code: str
    description: str
    percent_off: int | None
    amount_off: int | None = Field(description="Minor units.")

    @classmethod
    def of(cls, promo: PromoCode | None) -> Self | None:
        return None if promo is None else cls.model_validate(promo)
