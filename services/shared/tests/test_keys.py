"""Key rings: what a setting says, what is published, what is signed."""

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from services.shared import keys
from services.shared.settings import DEVELOPMENT_KEY, BadSettings

# RFC 8037, appendix A: the private key, the public one, and its thumbprint
SEED = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"
PUBLIC = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
THUMBPRINT = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_a_seed_gives_the_key_and_the_id_of_the_rfcs_example() -> None:
    [jwk] = keys.parse(SEED, "KEYS").jwks()["keys"]
    assert jwk == {"kty": "OKP", "crv": "Ed25519", "x": PUBLIC, "kid": THUMBPRINT, "use": "sig", "alg": "EdDSA"}


def test_the_first_key_signs_and_all_are_published() -> None:
    ring = keys.parse(f"{SEED}, {DEVELOPMENT_KEY}", "KEYS")
    token = ring.sign({"sub": "clara"}, "ticket")
    assert jwt.get_unverified_header(token) == {"alg": "EdDSA", "kid": THUMBPRINT, "typ": "ticket"}
    assert jwt.decode(token, ring.public[THUMBPRINT], ["EdDSA"]) == {"sub": "clara"}
    published = jwt.PyJWKSet.from_dict(ring.jwks())
    assert [key.key_id for key in published.keys] == list(ring.public)
    assert all(isinstance(key.key, Ed25519PublicKey) for key in published.keys)


def test_what_is_published_holds_no_private_half() -> None:
    private = keys.decode(SEED)
    assert Ed25519PrivateKey.from_private_bytes(private).private_bytes_raw() == private
    assert all("d" not in jwk and SEED not in jwk.values() for jwk in keys.parse(SEED, "KEYS").jwks()["keys"])


@pytest.mark.parametrize("setting", ["", "short", SEED[:-4], f"{SEED},", f"{SEED},not base64 at all", SEED + SEED])
def test_a_setting_that_holds_no_keys_is_named(setting: str) -> None:
    with pytest.raises(BadSettings, match=r"^MARQUEE_SIGNING_KEYS: each key must be 32 bytes"):
        keys.parse(setting, "MARQUEE_SIGNING_KEYS")


@pytest.mark.parametrize("raw", [b"", b"\x00", b"ab", b"abc", bytes(range(256))])
def test_base64url_without_padding_goes_both_ways(raw: bytes) -> None:
    assert keys.decode(keys.encode(raw)) == raw
    assert "=" not in keys.encode(raw)
