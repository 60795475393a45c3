"""Ids that every load of the demo data gives again."""

from datetime import UTC, datetime
from hashlib import sha256
from uuid import UUID

_EPOCH_MS = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp() * 1000)
_VERSION_7 = 0x7 << 76
_VARIANT = 0b10 << 62


def demo_id(kind: str, key: str) -> UUID:
    """The UUIDv7 (RFC 9562, section 5.7) of one demo object: timestamp 2024-01-01, random part from kind and key.

    The early timestamp keeps services from waiting for a demo object as one that was "just written".
    """
    digest = int.from_bytes(sha256(f"{kind}\0{key}".encode()).digest())
    rand_a, rand_b = digest >> 244, digest & ((1 << 62) - 1)
    return UUID(int=_EPOCH_MS << 80 | _VERSION_7 | rand_a << 64 | _VARIANT | rand_b)
