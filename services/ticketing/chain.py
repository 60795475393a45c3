"""The chain of hashes over the ledger: each seal covers the one before it, so no entry can change unnoticed."""

import hashlib
import json
from datetime import UTC

from services.ticketing.models import LedgerEntry

FIRST = bytes(32)


def link(previous: bytes, number: int, entry: LedgerEntry) -> bytes:
    """The hash that seals an entry: over the one before, its number, and all that it says."""
    facts = [
        *(number, entry.id, str(entry.booking_id), entry.cause, entry.account),
        *(entry.amount, entry.currency, entry.at.astimezone(UTC).isoformat()),
    ]
    return hashlib.sha256(previous + json.dumps(facts, separators=(",", ":")).encode()).digest()
