"""How the auditor gets around in tables that only grow. Whatever is keyed by a UUIDv7 is walked along with the orders,
since those of about the same time stand between the same bounds."""

from uuid import UUID

from services.shared.audit import Walk

ORDERS = Walk("orders", "booking_id", first=UUID(int=0), step=1000)
ENTRIES = Walk("ledger_entry", "id", first=0)
SEALS = Walk("ledger_seal", "number", first=0, step=1000)


def within(column: str) -> str:
    return ORDERS.within(column)


def untouched(booking_id: str) -> str:
    """SQL: whether the dust of the booking's last step has settled."""
    steps = f"SELECT FROM saga_log WHERE saga_log.booking_id = {booking_id}"
    return f"NOT EXISTS ({steps} AND saga_log.at > now() - :dust)"
