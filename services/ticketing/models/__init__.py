"""All tables of the service, so that `Base.metadata` is complete."""

from services.ticketing.models.base import Base, Money
from services.ticketing.models.copies import Customer, ErasedUser, Hold, Showtime, ShowtimeStatus
from services.ticketing.models.money import (
    FINAL,
    Account,
    Budget,
    Intent,
    IntentStatus,
    LedgerEntry,
    LedgerSeal,
    LedgerUnsealed,
    Refund,
    RefundCause,
    RefundStatus,
    RefundTo,
    StripeEvent,
    Watermark,
)
from services.ticketing.models.orders import Closing, Method, Order, OrderStatus, SagaEntry, TimelineRow
from services.ticketing.models.tickets import Scan, ScanResult, Seat, Ticket, TicketStatus, Use
from services.ticketing.models.wallet import CoinReason, TopUp, TopUpStatus, Wallet, WalletEntry

__all__ = [
    "FINAL",
    "Account",
    "Base",
    "Budget",
    "Closing",
    "CoinReason",
    "Customer",
    "ErasedUser",
    "Hold",
    "Intent",
    "IntentStatus",
    "LedgerEntry",
    "LedgerSeal",
    "LedgerUnsealed",
    "Method",
    "Money",
    "Order",
    "OrderStatus",
    "Refund",
    "RefundCause",
    "RefundStatus",
    "RefundTo",
    "SagaEntry",
    "Scan",
    "ScanResult",
    "Seat",
    "Showtime",
    "ShowtimeStatus",
    "StripeEvent",
    "Ticket",
    "TicketStatus",
    "TimelineRow",
    "TopUp",
    "TopUpStatus",
    "Use",
    "Wallet",
    "WalletEntry",
    "Watermark",
]
