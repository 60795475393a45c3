"""Who is asking: EdDSA access tokens (RFC 9068), verified with the users service's public keys alone."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated, Any, cast
from uuid import UUID

import httpx
import jwt
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from fastapi import Request, Security
from fastapi.security import HTTPBearer

from services.shared.errors import DomainError, ServiceUnavailable
from services.shared.keys import ALGORITHM, KeyRing
from services.shared.staff_trail.record import watch

ISSUER = "marquee-users"
AUDIENCE = "marquee"
TOKEN_TYPE = "at+jwt"  # noqa: S105
TOKEN_SECONDS = 600
# What OpenAPI calls the way to say who one is.
SCHEME = "access token"
REMEMBERED_TOKENS = 20_000
KEYS_SECONDS = 600
# An unknown key id makes us ask for the keys again, but not for everybody who makes one up.
UNKNOWN_KEY_SECONDS = 5
# While the users service is away, whoever needs a key that we do not have is told so without asking it each time.
AWAY_SECONDS = 1
FETCH_SECONDS = 3

log = structlog.get_logger()


class Role(IntEnum):
    """Each role includes the ones before it."""

    customer = 1
    staff = 2
    manager = 3
    admin = 4


class Unauthenticated(DomainError):
    status = 401
    detail = "This needs a signed-in user: send `Authorization: Bearer <access token>`."
    headers: Mapping[str, str] = {"WWW-Authenticate": "Bearer"}


class TokenExpired(DomainError):
    status = 401
    detail = "The access token has expired. Refresh it and try again."
    headers: Mapping[str, str] = {"WWW-Authenticate": 'Bearer error="invalid_token"'}


class Forbidden(DomainError):
    status = 403
    detail = "Your role does not allow this."


@dataclass(frozen=True)
class Principal:
    """The signed-in user, as the token tells; `session_id` is the sign-in that the token came from."""

    id: UUID
    role: Role
    is_guest: bool = False
    session_id: UUID | None = None

    def may(self, role: Role) -> bool:
        return self.role >= role


def mint(ring: KeyRing, principal: Principal, session_id: UUID) -> str:
    """An access token for ten minutes."""
    now = int(time.time())
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": str(principal.id),
        "sid": str(session_id),
        "role": principal.role.name,
        "guest": principal.is_guest,
        "iat": now,
        "exp": now + TOKEN_SECONDS,
    }
    return ring.sign(claims, TOKEN_TYPE)


class Verifier:
    """Checks access tokens. Knows the keys because it holds them (`ring`) or asks for them (`jwks_url`)."""

    def __init__(self, ring: KeyRing | None, jwks_url: str = "") -> None:
        self._keys: dict[str, Ed25519PublicKey] = ring.public if ring else {}
        self._jwks_url = "" if ring else jwks_url
        self._asked_at = -float("inf")
        self._away = False
        self._fetching = asyncio.Lock()
        self._known: OrderedDict[str, tuple[Principal, float]] = OrderedDict()

    async def verify(self, token: str) -> Principal:
        """Raises Unauthenticated, TokenExpired, ServiceUnavailable."""
        known = self._known.get(token)
        if known is not None and known[1] > time.time():
            return known[0]
        principal, expires_at = await self._check(token)
        self._known[token] = principal, expires_at
        if len(self._known) > REMEMBERED_TOKENS:
            self._known.popitem(last=False)
        return principal

    async def _check(self, token: str) -> tuple[Principal, float]:
        try:
            header = jwt.get_unverified_header(token)
            if header.get("typ") != TOKEN_TYPE:
                raise Unauthenticated("This is not an access token.")
            claims = jwt.decode(
                token,
                await self._key(str(header.get("kid"))),
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=ISSUER,
                options={"require": ["exp", "sub", "iss", "aud"]},
            )
            user_id, session_id = UUID(claims["sub"]), UUID(claims["sid"])
            principal = Principal(user_id, Role[claims["role"]], bool(claims["guest"]), session_id)
        except jwt.ExpiredSignatureError as error:
            raise TokenExpired from error
        except (jwt.InvalidTokenError, KeyError, ValueError) as error:
            raise Unauthenticated("The access token is not valid.") from error
        return principal, float(claims["exp"])

    async def _key(self, kid: str) -> Ed25519PublicKey:
        """Raises KeyError, and ServiceUnavailable if there might be such a key for all we know."""
        # Whoever has a key does not wait for one who is asking just now.
        if self._is_due(kid) and not (kid in self._keys and self._fetching.locked()):
            async with self._fetching:
                if self._is_due(kid):
                    await self._fetch()
        if self._away and kid not in self._keys:
            raise ServiceUnavailable("The keys to check access tokens with could not be fetched.")
        return self._keys[kid]

    def _is_due(self, kid: str) -> bool:
        if kid in self._keys:
            life = UNKNOWN_KEY_SECONDS if self._away else KEYS_SECONDS
        else:
            life = AWAY_SECONDS if self._away else UNKNOWN_KEY_SECONDS
        return bool(self._jwks_url) and time.monotonic() - self._asked_at > life

    async def _fetch(self) -> None:
        """The keys as they are now; if the users service is away, those we know stay good."""
        try:
            async with httpx.AsyncClient(timeout=FETCH_SECONDS) as client:
                answer = (await client.get(self._jwks_url)).raise_for_status()
            keys = jwt.PyJWKSet.from_dict(answer.json()).keys
        except (httpx.HTTPError, jwt.PyJWTError, ValueError) as error:
            log.warning("keys not fetched", error=type(error).__name__)
            self._away = True
        else:
            self._away = False
            self._keys = {str(key.key_id): cast("Ed25519PublicKey", key.key) for key in keys}
        self._asked_at = time.monotonic()


async def identify(request: Request) -> Principal:
    """Raises Unauthenticated, TokenExpired."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated
    verifier: Verifier = request.app.state.verifier
    return await verifier.verify(token.strip())


class Bearer(HTTPBearer):
    """Signed-in users of at least `role`; also what the OpenAPI pages say about it."""

    def __init__(self, role: Role) -> None:
        super().__init__(scheme_name=SCHEME, bearerFormat="JWT", auto_error=False)
        self._role = role

    async def __call__(self, request: Request) -> Principal:  # type: ignore[override]  # our own idea of who it is
        principal = await identify(request)
        if not principal.may(self._role):
            raise Forbidden(f"This needs the role {self._role.name}; yours is {principal.role.name}.")
        if principal.may(Role.staff):
            watch(request, principal.id, principal.role.name)
        return principal


def at_least(role: Role) -> Any:
    """The scope is for the OpenAPI pages: there it names the role that is needed (OpenAPI 3.1, 4.8.30)."""
    return Security(Bearer(role), scopes=[role.name])


CurrentUser = Annotated[Principal, at_least(Role.customer)]
Staff = Annotated[Principal, at_least(Role.staff)]
Manager = Annotated[Principal, at_least(Role.manager)]
Admin = Annotated[Principal, at_least(Role.admin)]
