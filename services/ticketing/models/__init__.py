"""All tables of the service, so that `Base.metadata` is complete."""

from services.ticketing.models.base import Base, Money
from services.ticketing.models.tickets import Scan, ScanResult, Seat, Ticket, TicketStatus
from services.ticketing.models.wallet import CoinReason, TopUp, TopUpStatus, Wallet, WalletEntry

__all__ = [
    "Base",
    "CoinReason",
    "Money",
    "Scan",
    "ScanResult",
    "Seat",
    "Ticket",
    "TicketStatus",
    "TopUp",
    "TopUpStatus",
    "Wallet",
    "WalletEntry",
]
