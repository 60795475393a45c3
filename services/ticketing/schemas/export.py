"""JSON about all that is stored about a user."""

from datetime import datetime
from typing import Self
from uuid import UUID

from services.shared.auth import Principal
from services.shared.schemas import View
from services.ticketing.models import Money, TopUpStatus
from services.ticketing.queries.export import Export
from services.ticketing.schemas.orders import OrderView
from services.ticketing.schemas.wallet import WalletView


class CustomerView(View):
    email: str
    full_name: str
    locale: str
    is_guest: bool
    is_verified: bool


class ExportedTopUp(View):
    id: UUID
    price: Money
    coins: int
    status: TopUpStatus
    created_at: datetime
    paid_at: datetime | None


class ExportView(View):
    customer: CustomerView | None
    orders: list[OrderView]
    wallet: WalletView
    topups: list[ExportedTopUp]

    @classmethod
    def of(cls, export: Export, viewer: Principal) -> Self:
        return cls(
            customer=CustomerView.model_validate(export.customer) if export.customer else None,
            orders=[OrderView.of(order, viewer) for order in export.orders],
            wallet=WalletView.model_validate(export.wallet),
            topups=[ExportedTopUp.model_validate(topup) for topup in export.topups],
        )
