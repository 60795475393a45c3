"""Ed25519 keys for access tokens and ticket codes: the first signs, all verify, so that keys can be rotated."""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from services.shared.settings import BadSettings

ALGORITHM = "EdDSA"
SEED_BYTES = 32


def encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass(frozen=True)
class KeyRing:
    """Private keys by their key id, the signing one first."""

    private: Mapping[str, Ed25519PrivateKey]

    @property
    def public(self) -> dict[str, Ed25519PublicKey]:
        return {kid: key.public_key() for kid, key in self.private.items()}

    def sign(self, claims: Mapping[str, Any], typ: str) -> str:
        """A JWT (RFC 7519) with `typ` and the key id in its header."""
        kid, key = next(iter(self.private.items()))
        return jwt.encode(dict(claims), key, ALGORITHM, headers={"kid": kid, "typ": typ})

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """The public halves as a JSON Web Key Set (RFC 7517, RFC 8037)."""
        return {"keys": [jwk(kid, key) for kid, key in self.public.items()]}


def jwk(kid: str, key: Ed25519PublicKey) -> dict[str, str]:
    x = encode(key.public_bytes_raw())
    return {"kty": "OKP", "crv": "Ed25519", "x": x, "kid": kid, "use": "sig", "alg": ALGORITHM}


def thumbprint(key: Ed25519PublicKey) -> str:
    """RFC 7638: the key id follows from the key, so nobody has to name it."""
    members = {"crv": "Ed25519", "kty": "OKP", "x": encode(key.public_bytes_raw())}
    return encode(hashlib.sha256(json.dumps(members, separators=(",", ":")).encode()).digest())


@lru_cache(maxsize=16)
def parse(setting: str, name: str) -> KeyRing:
    """Comma-separated base64url seeds of 32 bytes. Raises BadSettings naming the setting `name`."""
    ring: dict[str, Ed25519PrivateKey] = {}
    for seed in setting.split(","):
        try:
            key = Ed25519PrivateKey.from_private_bytes(decode(seed.strip()))
        except ValueError as error:
            raise BadSettings(f"{name}: each key must be {SEED_BYTES} bytes in base64url (`make secrets`)") from error
        ring[thumbprint(key.public_key())] = key
    return KeyRing(ring)
