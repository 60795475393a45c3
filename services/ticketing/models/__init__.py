"""All tables of the service, so that `Base.metadata` is complete."""

from services.ticketing.models.base import Base, Money
from services.ticketing.models.copies import Customer, ErasedUser, Hold, Showtime, ShowtimeStatus
from services.ticketing.models.letters import Letter, LetterKind
from services.ticketing.models.money import (
    FINAL,
    Account,
    Budget,
    Dispute,
    DisputeStatus,
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
from services.ticketing.models.promos import PromoCode, PromoUse
from services.ticketing.models.statement import LineKind, LineStatus, StatementLine
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
    "Dispute",
    "DisputeStatus",
    "ErasedUser",
    "Hold",
    "Intent",
    "IntentStatus",
    "LedgerEntry",
    "LedgerSeal",
    "LedgerUnsealed",
    "Letter",
    "LetterKind",
    "LineKind",
    "LineStatus",
    "Method",
    "Money",
    "Order",
    "OrderStatus",
    "PromoCode",
    "PromoUse",
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
    "StatementLine",
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
